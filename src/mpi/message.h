/*
 * What the ranks of ensgrad-mpi tell each other: byte arrays with a kind as their tag, a head in front, and all ranks on machines
 * of one kind. Rank 0 has the sums and the file; the workers of the other ranks are devices to it.
 */
#ifndef EG_MPI_MESSAGE_H
#define EG_MPI_MESSAGE_H

#include <mpi.h>
#include <stddef.h>
#include <stdint.h>

#include "base/context.h"

typedef enum eg_mpi_kind {
  EG_MPI_HELLO = 1, /* to 0, once: an eg_mpi_hello */
  EG_MPI_PREPARE,   /* from 0: run; edges of its grids */
  EG_MPI_PREPARED,  /* to 0: status, n = tiles it wants at once, text */
  EG_MPI_ADVANCE,   /* from 0: first, n */
  EG_MPI_RESULT,    /* to 0: status, text, and what eg_mpi_results says */
  EG_MPI_BEATS,     /* to 0: signs of life of its workers, a uint64_t each; from 0: that it lives, without contents */
  EG_MPI_STOP,      /* from 0: leave what is in hand */
  EG_MPI_BYE        /* from 0: end; with a byte (eg_mpi_bye): a worker was given up, so wait for none */
} eg_mpi_kind;

typedef enum eg_mpi_bye {
  EG_MPI_FINALIZE = 1, /* and end the process */
  EG_MPI_LEAVE         /* a rank is dead, and MPI_Finalize would wait for it */
} eg_mpi_bye;

typedef struct eg_mpi_head {
  int32_t worker, status;
  uint64_t run, first, n, n_bad;
  int32_t has_paths;
  char text[1004]; /* what went wrong */
} eg_mpi_head;

typedef struct eg_mpi_hello {
  int32_t status, n_workers;
  int64_t is_checked;
  uint64_t study, data; /* hashes: all ranks must have read the same */
  char text[496];       /* what computes there, or what went wrong */
} eg_mpi_hello;

/* A message in memory; head and payload in one. */
typedef struct eg_mpi_buffer {
  char *bytes;
  size_t size;
} eg_mpi_buffer;

/* Seconds between signs of life, of both sides. */
#define EG_MPI_BEAT_SECONDS 0.5

/* MPI counts are int. */
#define EG_MPI_MOST_BYTES ((size_t)1 << 30)

/* EG_ERR_DEVICE with MPI's words where a call failed. */
EG_NODISCARD eg_status eg_mpi_try(eg_context *ctx, int code, const char *doing);

EG_NODISCARD eg_status eg_mpi_buffer_make(eg_context *ctx, const eg_mpi_head *head, size_t payload, eg_mpi_buffer *buffer);

#endif
