/* A data file for tests: datasets X (n, columns) and y (n) as the model linear-regression reads them. */
#ifndef EG_TESTS_WRITE_ROWS_H
#define EG_TESTS_WRITE_ROWS_H

#include <hdf5.h>
#include <stddef.h>

/* 0 when it could not be written. */
static inline int write_rows(const char *path, size_t n, size_t columns, const double *inputs,
                             const double *target) {
  const hsize_t shape[2] = {n, columns};
  const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t matrix = H5Screate_simple(2, shape, NULL), vector = H5Screate_simple(1, shape, NULL);
  const hid_t x = H5Dcreate2(file, "X", H5T_IEEE_F64LE, matrix, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t y = H5Dcreate2(file, "y", H5T_IEEE_F64LE, vector, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const int ok = file >= 0 && H5Dwrite(x, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, inputs) >= 0 &&
                 H5Dwrite(y, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, target) >= 0;
  const int is_closed = H5Dclose(x) >= 0 && H5Dclose(y) >= 0 && H5Sclose(matrix) >= 0 &&
                        H5Sclose(vector) >= 0 && H5Fclose(file) >= 0;
  return ok && is_closed;
}

#endif
