/*
 * Tables P1, P2, P3 and the fit pipeline of limiting-dynamics-and-anomalous-diffusion.md: 1000 modes with
 * power-law spectra, each by the affine engine, summed here. No simulation: models of a quadratic loss have
 * at most 16 components.
 */
#include "physics/affine_mode.h"
#include "physics/table_row.h"

enum { MODES = 1000, TIMES = 7 };

static mode mode_of(double power, double decay, double eta, double beta, int l) {
  const double rho = pow(l, -power);
  const mode a = {eta, beta, decay, rho, rho, 32};
  return a;
}

/* Sums over the modes at k and at 2 k. */
typedef struct sums {
  double trace, variance, step2; /* Tr H, sum of V theta, E |delta|^2 */
  double msd[2 * TIMES], squares[TIMES], langevin[TIMES], slope[TIMES];
} sums;

static sums sum_modes(double power, double decay, size_t n, const uint64_t *k) {
  uint64_t steps[2 * TIMES];
  double msd[2 * TIMES], local[TIMES];
  sums s = {0};
  for (int l = 1; l <= MODES; l++) {
    const mode a = mode_of(power, decay, 0.1, 0.9, l);
    motion chain = motion_of(&a, CHAIN), langevin = motion_of(&a, LANGEVIN);
    s.trace += a.curvature;
    s.variance += chain.V[0];
    s.step2 += a.eta * a.eta * chain.V[3];
    stationary_msd(&langevin, n, k, msd, local);
    for (size_t i = 0; i < n; i++) {
      s.langevin[i] += msd[i];
      s.slope[i] += local[i] * msd[i];
    }
    for (size_t twice = 0; twice < 2; twice++) {
      for (size_t i = 0; i < n; i++) {
        steps[i] = k[i] << twice;
      }
      stationary_msd(&chain, n, steps, msd, NULL);
      for (size_t i = 0; i < n; i++) {
        s.msd[twice * TIMES + i] += msd[i];
        s.squares[i] += twice == 0 ? msd[i] * msd[i] : 0;
      }
    }
    eg_affine_free(&chain.model);
    eg_affine_free(&langevin.model);
  }
  return s;
}

static const char *row(const char *table, const char *column, uint64_t k) {
  static char text[160];
  (void)snprintf(text, sizeof text, "limiting-dynamics %s, %s, k=%llu", table, column, (unsigned long long)k);
  return text;
}

static double exponent(const sums *s, size_t i) {
  return log2(s->msd[TIMES + i] / s->msd[i]);
}

static void table_p1(void) {
  static const uint64_t k[7] = {1, 10, 100, 1000, 10000, 100000, 1000000};
  static const double want[7][5] = {
      {0.002751875131257386, 0.002596487579120204, 1.900594058555, 1.954105801466, 2.459865},
      {0.1210833291348694, 0.1192211428603660, 0.6315416536092, 0.8514202788069, 4.221774},
      {0.5232296987628774, 0.5218359077554936, 0.5264356672762, 0.5460437130909, 27.92516},
      {1.702203200380802, 1.700827152284002, 0.4942672070970, 0.4977921224703, 91.47106},
      {5.211823238167810, 5.210447297142221, 0.4653491046913, 0.4718997597532, 269.0340},
      {14.42875673313547, 14.42738079546516, 0.3748342669236, 0.3975438675858, 656.3861},
      {28.46210182353691, 28.46072588597026, 0.1037434368147, 0.1532662413742, 984.1120}};
  const sums s = sum_modes(2, 0, 7, k);
  row_is("limiting-dynamics P1, Tr H", s.trace, 1.643934566681560);
  row_is("limiting-dynamics P1, sum of V theta", s.variance, 15.62568796878281);
  row_is("limiting-dynamics P1, E |delta|^2", s.step2, 0.002751875131257386);
  for (size_t i = 0; i < 7; i++) {
    row_is(row("P1", "MSD SGD", k[i]), s.msd[i], want[i][0]);
    row_is(row("P1", "MSD Langevin", k[i]), s.langevin[i], want[i][1]);
    row_has(row("P1", "c2 SGD", k[i]), exponent(&s, i), want[i][2], 13);
    row_has(row("P1", "local c Langevin", k[i]), s.slope[i] / s.langevin[i], want[i][3], 13);
    row_has(row("P1", "d_eff", k[i]), s.msd[i] * s.msd[i] / s.squares[i], want[i][4], 7);
    row_is_not(row("P1", "MSD SGD of Langevin", k[i]), s.langevin[i], want[i][0]);
  }
}

static void table_p2(void) {
  static const uint64_t k[4] = {100, 1000, 10000, 100000};
  static const double msd[4] = {0.5217669342169919, 1.648128354593169, 3.925668223494184, 4.583155479157026};
  static const double c2[4] = {0.5216287030173, 0.4486399020369, 0.1652279369407, 7.58e-6};
  const sums s = sum_modes(2, 1e-4, 4, k), undecayed = sum_modes(2, 0, 4, k);
  double d_eff = 0;
  row_is("limiting-dynamics P2, saturation SGD", 2 * s.variance, 4.583179575363730);
  for (int l = 1; l <= MODES; l++) { /* number of modes above the decay: 2 S (1 - beta) / (eta sigma^2) Var
                                        theta of the Langevin law */
    const mode a = mode_of(2, 1e-4, 0.1, 0.9, l);
    motion langevin = motion_of(&a, LANGEVIN);
    d_eff += langevin.V[0] * 2 * a.batch * (1 - a.beta) / a.eta;
    eg_affine_free(&langevin.model);
  }
  row_has("limiting-dynamics P2, d_eff(lambda)", d_eff, 146.6177163, 10);
  for (size_t i = 0; i < 4; i++) {
    row_is(row("P2", "MSD SGD", k[i]), s.msd[i], msd[i]);
    row_has(row("P2", "c2 SGD", k[i]), exponent(&s, i), c2[i], i < 3 ? 13 : 3);
    row_is_not(row("P2", "MSD SGD without decay", k[i]), undecayed.msd[i], msd[i]);
  }
}

static void table_p3(void) {
  static const uint64_t k[5] = {10, 100, 1000, 10000, 100000};
  static const double msd[5] = {0.2192659376430350, 1.532541914291240, 6.373051175806647, 19.82084517981550,
                                31.05816054620782};
  static const double c2[5] = {0.9704452568080, 0.6543801998326, 0.5521810898888, 0.3312151372709,
                               0.008760496884546};
  const sums s = sum_modes(1.5, 0, 5, k), other = sum_modes(1.6, 0, 5, k);
  row_is("limiting-dynamics P3, E |delta|^2", s.step2, 0.004245934389304030);
  for (size_t i = 0; i < 5; i++) {
    row_is(row("P3", "MSD SGD", k[i]), s.msd[i], msd[i]);
    row_has(row("P3", "c2 SGD", k[i]), exponent(&s, i), c2[i], 13);
    row_is_not(row("P3", "MSD SGD of power 1.6", k[i]), other.msd[i], msd[i]);
  }
}

/* ---- ordinary least squares of ln MSD on ln k over every k of a window ---- */

enum { FROM = 2500, TO = 5000, WINDOW = TO - FROM + 1 };

/* Mean square displacements at k = FROM .. TO: stationary, and of the start x0 in every mode, with b = 0, its
   mean's part and that of the noise. The map of one step and the noise it adds are the engine's; at the
   window's end the engine goes there in one go. */
static void window_msd(double eta, double beta, double x0, double out[3][WINDOW]) {
  static const uint64_t end = TO;
  memset(out, 0, 3 * sizeof out[0]);
  for (int l = 1; l <= MODES; l++) {
    const mode a = mode_of(2, 1e-4, eta, beta, l);
    const double none[4] = {0};
    double M[4], Q[4], c[2], mean[2] = {x0, 0}, C[4] = {0}, last[2];
    motion m = motion_of(&a, CHAIN);
    CHECK(eg_affine_mean_map(context, &m.model, &m.setting, M) == EG_OK &&
          eg_affine_one_step(context, &m.model, &m.setting, none, none, Q) == EG_OK);
    c[0] = m.V[0];
    c[1] = m.V[2];
    for (int k = 1; k <= TO; k++) {
      const double c0 = M[0] * c[0] + M[1] * c[1], x = M[0] * mean[0] + M[1] * mean[1];
      const double A = M[0] * C[0] + M[1] * C[1], B = M[0] * C[1] + M[1] * C[3],
                   D = M[2] * C[1] + M[3] * C[3], E = M[2] * C[0] + M[3] * C[1];
      c[1] = M[2] * c[0] + M[3] * c[1];
      c[0] = c0;
      mean[1] = M[2] * mean[0] + M[3] * mean[1];
      mean[0] = x;
      C[0] = A * M[0] + B * M[1] + Q[0];
      C[1] = A * M[2] + B * M[3] + Q[1];
      C[3] = E * M[2] + D * M[3] + Q[3];
      if (k >= FROM) {
        out[0][k - FROM] += 2 * (m.V[0] - c[0]);
        out[1][k - FROM] += (mean[0] - x0) * (mean[0] - x0);
        out[2][k - FROM] += C[0];
      }
    }
    stationary_msd(&m, 1, &end, &last[0], NULL);
    CHECK(fabs(last[0] - 2 * (m.V[0] - c[0])) < 1e-12 * m.V[0]);
    from_point(&m, x0, 0, 1, &end, &last[0], &last[1]);
    CHECK(fabs(last[1] - mean[0] * mean[0] - C[0]) < 1e-12 * last[1]);
    eg_affine_free(&m.model);
  }
}

static double fitted(const double *stationary, const double *drift, const double *noise, double scale) {
  double mean_x = 0, mean_y = 0, xy = 0, xx = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (int i = 0; i < WINDOW; i++) {
      const double x = log((double)(FROM + i)),
                   y = log(stationary != NULL ? stationary[i] : drift[i] + scale * noise[i]);
      mean_x += pass == 0 ? x / WINDOW : 0;
      mean_y += pass == 0 ? y / WINDOW : 0;
      xy += pass == 1 ? (x - mean_x) * (y - mean_y) : 0;
      xx += pass == 1 ? (x - mean_x) * (x - mean_x) : 0;
    }
  }
  return xy / xx;
}

static void fit_pipeline(void) {
  static const struct {
    double eta, beta, want[4];
  } rows[5] = {{0.001, 0.9, {0.5225605115, 0.5333568627, 0.5446843656, 0.5499555097}},
               {0.01, 0, {0.5214705875, 0.5324440038, 0.5444032071, 0.5499739764}},
               {0.01, 0.9, {0.4907781702, 0.4930787483, 0.5283474911, 0.5820564706}},
               {0.01, 0.99, {0.3837529956, 0.3314356295, 0.4099661379, 0.6143035056}},
               {0.1, 0.9, {0.3783827743, 0.3177553951, 0.3961510781, 0.5998115013}}};
  static const char *const columns[4] = {"stationary", "S=32", "S=128", "S=512"};
  static double msd[3][WINDOW];
  for (size_t i = 0; i < 5; i++) {
    window_msd(rows[i].eta, rows[i].beta, 0.02, msd);
    for (size_t c = 0; c < 4; c++) {
      char name[160];
      const double value = fitted(c == 0 ? msd[0] : NULL, msd[1], msd[2], 1 / pow(4, (double)c - 1));
      (void)snprintf(name, sizeof name, "limiting-dynamics fit pipeline, eta=%g beta=%g, %s", rows[i].eta,
                     rows[i].beta, columns[c]);
      row_has(name, value, rows[i].want[c], 10);
    }
    row_is_not("fit pipeline, two ends", log(msd[0][WINDOW - 1] / msd[0][0]) / log(2), rows[i].want[0]);
  }
}

int main(void) {
  context = eg_context_create();
  table_p1();
  table_p2();
  table_p3();
  fit_pipeline();
  report_rows(79, 21);
  eg_context_free(context);
  return check_report();
}
