#include "io/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/disk.h"

static const char seal_magic[8] = {'E', 'N', 'S', 'G', 'R', 'A', 'D', 'T'};
static const unsigned char hdf5_magic[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

/* Far above any result (the study check refuses 1 GiB of accumulators): a larger file is not ours. */
static const uint64_t image_limit = (uint64_t)1 << 36;

/* table[k][b]: effect of byte b, k bytes before the end of a word of 8. Made anew per use: no global state.
 */
typedef struct crc64 {
  uint64_t table[8][256];
  uint64_t state;
} crc64;

static void crc_start(crc64 *crc) {
  const uint64_t polynomial = UINT64_C(0xC96C5795D7870F42);
  for (unsigned b = 0; b < 256; b++) {
    uint64_t value = b;
    for (int bit = 0; bit < 8; bit++) {
      value = (value & 1) != 0 ? (value >> 1) ^ polynomial : value >> 1;
    }
    crc->table[0][b] = value;
  }
  for (unsigned b = 0; b < 256; b++) {
    for (int k = 1; k < 8; k++) {
      const uint64_t before = crc->table[k - 1][b];
      crc->table[k][b] = (before >> 8) ^ crc->table[0][before & 0xff];
    }
  }
  crc->state = ~UINT64_C(0);
}

/* Spelt out, so that compilers make one load of it. */
static uint64_t load_u64(const unsigned char *b) {
  return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 |
         (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40 | (uint64_t)b[6] << 48 | (uint64_t)b[7] << 56;
}

static void crc_update(crc64 *crc, const unsigned char *bytes, size_t n) {
  const uint64_t(*t)[256] = (const uint64_t(*)[256])crc->table;
  uint64_t state = crc->state;
  for (; n >= 8; n -= 8, bytes += 8) {
    const uint64_t word = state ^ load_u64(bytes);
    state = t[7][word & 0xff] ^ t[6][word >> 8 & 0xff] ^ t[5][word >> 16 & 0xff] ^ t[4][word >> 24 & 0xff] ^
            t[3][word >> 32 & 0xff] ^ t[2][word >> 40 & 0xff] ^ t[1][word >> 48 & 0xff] ^ t[0][word >> 56];
  }
  for (; n > 0; n--, bytes++) {
    state = (state >> 8) ^ t[0][(state ^ *bytes) & 0xff];
  }
  crc->state = state;
}

uint64_t eg_seal_crc(const void *bytes, size_t n) {
  crc64 crc;
  crc_start(&crc);
  crc_update(&crc, bytes, n);
  return ~crc.state;
}

static void store(unsigned char *bytes, uint64_t value, int n) {
  for (int i = 0; i < n; i++) {
    bytes[i] = (unsigned char)(value >> (8 * i) & 0xff);
  }
}

void eg_seal_make(const void *image, size_t length, unsigned char seal[EG_SEAL_BYTES]) {
  memset(seal, 0, EG_SEAL_BYTES);
  memcpy(seal, seal_magic, sizeof seal_magic);
  store(seal + 8, EG_SEAL_MAJOR, 4);
  store(seal + 12, EG_SEAL_MINOR, 4);
  store(seal + 16, length, 8);
  store(seal + 24, eg_seal_crc(image, length), 8);
  store(seal + 56, eg_seal_crc(seal, 56), 8);
}

/* Why the last 64 bytes are no seal. The HDF5 superblock (version 0) has the length of the image in bytes 40
 * to 47. */
static eg_status explain_no_seal(eg_context *ctx, const eg_disk_file *file) {
  unsigned char head[48] = {0};
  unsigned char behind[8] = {0};
  const size_t n_head = file->size < sizeof head ? (size_t)file->size : sizeof head;
  EG_TRY(eg_disk_read(ctx, file, 0, head, n_head));
  const size_t n_magic = n_head < sizeof hdf5_magic ? n_head : sizeof hdf5_magic;
  if (memcmp(head, hdf5_magic, n_magic) != 0) {
    return eg_fail(ctx, EG_ERR_DAMAGED, "%s: not an ensgrad result (no seal), and not an HDF5 file",
                   file->path);
  }
  const uint64_t end = n_head == sizeof head && head[8] == 0 ? load_u64(head + 40) : UINT64_MAX;
  const uint64_t rest = file->size > end ? file->size - end : 0;
  const size_t n_behind = rest < sizeof behind ? (size_t)rest : sizeof behind;
  EG_TRY(eg_disk_read(ctx, file, end, behind, n_behind));
  const bool begins_seal = n_behind > 0 && memcmp(behind, seal_magic, n_behind) == 0;
  if (n_head < sizeof head || (head[8] == 0 && file->size < end) || (begins_seal && rest < EG_SEAL_BYTES)) {
    return eg_fail(ctx, EG_ERR_DAMAGED, "%s: truncated: only the first %llu bytes are there", file->path,
                   (unsigned long long)file->size);
  }
  if (begins_seal) {
    return eg_fail(ctx, EG_ERR_DAMAGED, "%s: damaged: bytes were appended behind the seal", file->path);
  }
  return eg_fail(ctx, EG_ERR_DAMAGED,
                 "%s: not an ensgrad result (no seal): another program wrote or edited this HDF5 file",
                 file->path);
}

static eg_status check_seal(eg_context *ctx, const eg_disk_file *file, const unsigned char *seal) {
  if (memcmp(seal, seal_magic, sizeof seal_magic) != 0) {
    return explain_no_seal(ctx, file);
  }
  if (load_u64(seal + 56) != eg_seal_crc(seal, 56)) {
    return eg_fail(ctx, EG_ERR_DAMAGED, "%s: damaged: checksum differs (in the seal)", file->path);
  }
  const unsigned major = (unsigned)(load_u64(seal + 8) & 0xffffffff);
  const unsigned minor = (unsigned)(load_u64(seal + 8) >> 32);
  if (major > EG_SEAL_MAJOR) {
    return eg_fail(ctx, EG_ERR_DAMAGED,
                   "%s: written by a newer ensgrad (file format %u.%u; this program reads up to %d.x)",
                   file->path, major, minor, EG_SEAL_MAJOR);
  }
  const uint64_t length = load_u64(seal + 16);
  const uint64_t found = file->size - EG_SEAL_BYTES;
  if (length != found) {
    return eg_fail(ctx, EG_ERR_DAMAGED, "%s: %s: %llu bytes were sealed, %llu are there", file->path,
                   length > found ? "truncated" : "damaged", (unsigned long long)length,
                   (unsigned long long)found);
  }
  if (length > image_limit || length > SIZE_MAX) {
    return eg_fail(ctx, EG_ERR_OUTPUT, "%s: %llu bytes are more than this program reads", file->path,
                   (unsigned long long)length);
  }
  return EG_OK;
}

/* CRC of the first `length` bytes; kept in `image` if not NULL, else only seen block by block. */
static eg_status check_image(eg_context *ctx, const eg_disk_file *file, size_t length, uint64_t expected,
                             unsigned char *image) {
  const size_t block_size = (size_t)1 << 20;
  eg_status status = EG_OK;
  unsigned char *block = NULL;
  crc64 crc;
  crc_start(&crc);
  EG_TRY(eg_allocate(ctx, image == NULL && length > 0 ? block_size : 1, 1, &block));
  for (size_t done = 0; done < length;) {
    const size_t n = length - done < block_size ? length - done : block_size;
    unsigned char *place = image == NULL ? block : image + done;
    EG_TRY_DONE(eg_disk_read(ctx, file, done, place, n));
    crc_update(&crc, place, n);
    done += n;
  }
  if (~crc.state != expected) {
    status = eg_fail(ctx, EG_ERR_DAMAGED, "%s: damaged: checksum differs", file->path);
  }
done:
  free(block);
  return status;
}

static eg_status read_sealed(eg_context *ctx, const eg_disk_file *file, unsigned char **image,
                             size_t *length) {
  unsigned char seal[EG_SEAL_BYTES] = {0};
  if (file->size == 0) {
    return eg_fail(ctx, EG_ERR_DAMAGED, "%s: truncated: the file is empty", file->path);
  }
  if (file->size >= EG_SEAL_BYTES) {
    EG_TRY(eg_disk_read(ctx, file, file->size - EG_SEAL_BYTES, seal, sizeof seal));
  }
  EG_TRY(check_seal(ctx, file, seal));
  const size_t n = (size_t)(file->size - EG_SEAL_BYTES);
  if (image == NULL) {
    return check_image(ctx, file, n, load_u64(seal + 24), NULL);
  }
  unsigned char *bytes = NULL;
  EG_TRY(eg_allocate(ctx, n, 1, &bytes));
  const eg_status status = check_image(ctx, file, n, load_u64(seal + 24), bytes);
  if (status != EG_OK) {
    free(bytes);
    return status;
  }
  *image = bytes;
  *length = n;
  return EG_OK;
}

eg_status eg_seal_read(eg_context *ctx, const char *path, unsigned char **image, size_t *length) {
  eg_disk_file file = {0};
  EG_TRY(eg_disk_open(ctx, path, &file));
  const eg_status status = read_sealed(ctx, &file, image, length);
  eg_disk_close(&file);
  return status;
}
