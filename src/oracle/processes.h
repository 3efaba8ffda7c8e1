/* Mean squared displacements of processes with a known exponent, at every time t >= 0. Only + - * / and eg_math: the same bits
   on every machine. */
#ifndef EG_ORACLE_PROCESSES_H
#define EG_ORACLE_PROCESSES_H

/* Gamma(1 + a), 0 <= a <= 1; relative error below 1e-14. */
double eg_gamma_of_1_and(double a);

/* Continuous-time random walk with Mittag-Leffler waits and Gaussian jumps: jump^2 (t / wait)^a / Gamma(1 + a). */
double eg_random_walk_msd(double exponent, double wait, double jump, double t);

/* Equilibrated Levy walk with Lomax flights, tail > 1: 2 v^2 int_0^t (t - s) (1 + s / flight)^(1 - tail) ds, by quadrature. */
double eg_levy_walk_msd(double tail, double flight, double speed, double t);

#endif
