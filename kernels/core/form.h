/*
 * One text for two forms of a trajectory. The functions of models and steppers have the parameter struct `p` in scope.
 *
 *                       lane form                          team form (EG_TEAM)
 *   EG_DIM              constant, up to 16                 of the run: the dimension rounded up to EG_TEAM_LANES
 *   a vector            an array, in registers             memory, component fastest, padded with zeros
 *   what chains keep    behind x, EG_DIM values a vector   behind x, EG_DIM values a vector
 *   EG_EACH(k) {..}     unrolled                           CPU: a vector loop; GPU: lane l has k = l, l + 32, ..
 *   EG_VECTOR(v, slot)  declares an array                  points to the scratch vector `slot`
 *   eg_dot (vector.h)   in order of the components         32 partial sums, then one tree: the same order everywhere
 *
 * A statement in EG_EACH may touch component k of vectors only. Whoever reads components of others (eg_matrix_vector)
 * waits with EG_MEET() first. Numbers that are not vectors are the same in all lanes of a team.
 */
#ifndef EG_CORE_FORM_H
#define EG_CORE_FORM_H

/* Scratch vectors of a team. Two that live at the same time have different slots. */
enum {
  EG_SLOT_DRIFT,       /* of an Euler step */
  EG_SLOT_GRADIENT,    /* inside a model's drift or loss */
  EG_SLOT_HESSIAN,     /* Hessian times a vector, in there too */
  EG_SLOT_NOISE,       /* increment of the noise */
  EG_SLOT_REGULARISER,
  EG_SLOT_RUNGE_1,     /* the five of a Runge-Kutta step */
  EG_SLOT_RUNGE_2,
  EG_SLOT_RUNGE_3,
  EG_SLOT_RUNGE_4,
  EG_SLOT_RUNGE_Y,
  EG_SLOT_FLOW,        /* result of a staged flow */
  EG_SLOT_FEATURE,     /* of a feature: gradient, start point */
  EG_SLOT_CLASSES,     /* a number for each class */
  EG_SLOT_CLASSES_ALONG,
  EG_SLOT_ROW,         /* a drawn row with noise on its inputs */
  EG_SLOT_ROW_DRAWS,   /* what that was made of: one more than components, and what is left of two Philox blocks */
  EG_SLOT_ROW_DRAWS_MORE,
  EG_SLOTS
};

#define EG_TEAM_LANES 32
#define EG_TEAM_MAX   4096 /* components of a state in team form */
#define EG_TEAM_KEPT  3    /* vectors of a trajectory at most: x and two that a chain keeps */
#define EG_TEAM_VECTORS (EG_SLOTS + EG_TEAM_KEPT + 1) /* working memory of a warp: the slots, the state, the accumulator */

#if defined(EG_TEAM)

typedef struct eg_team {
  uint32_t chunks;  /* of EG_TEAM_LANES components */
  eg_real *scratch; /* (EG_SLOTS, dim) */
} eg_team;

#define EG_DIM       ((int)(p->team.chunks * EG_TEAM_LANES)) /* so the compiler knows what divides it */
#define EG_DIM_BOUND EG_TEAM_MAX /* for the preprocessor */
#define EG_TEAM_PART eg_team team;
/* Place behind a vector for one number, which every lane keeps for itself. */
#define EG_BEHIND    (EG_DIM + EG_LANE)
#define EG_VECTOR(name, slot) eg_real *const name = p->team.scratch + (int64_t)(slot) * EG_DIM
#define EG_KEPT(n)   (n) /* what a chain keeps, in the list of steppers: n vectors, of which only the plan knows the dimension */

#if EG_DEVICE
#define EG_LANE    ((int)(threadIdx.x % EG_TEAM_LANES))
#define EG_TEAM_LOOP(k, end) EG_ROLLED for (int k = EG_LANE; k < (end); k += EG_TEAM_LANES)
#define EG_MEET()  __syncwarp()
#else
#define EG_LANE    0
#define EG_TEAM_LOOP(k, end) _Pragma("omp simd") for (int k = 0; k < (end); k++)
#define EG_MEET()  ((void)0)
#endif
#define EG_EACH(k) EG_TEAM_LOOP(k, EG_DIM)

/* Row j of the layout of eg_team_rows_size. */
EG_FN eg_row eg_team_row(const eg_real *rows, uint64_t n_rows, int dim, uint64_t j) {
  eg_row row;
  row.base = rows + j * (uint64_t)dim;
  row.target = rows[n_rows * (uint64_t)dim + j];
  return row;
}

#else

/* The same names in lane form. */
#define EG_DIM_BOUND EG_DIM
#define EG_TEAM_PART
#define EG_BEHIND    EG_DIM
#define EG_VECTOR(name, slot) eg_real name[EG_DIM]
#define EG_KEPT(n)   ((n) * EG_DIM)
#define EG_EACH(k)   EG_UNROLL for (int k = 0; k < EG_DIM; k++)
#define EG_MEET()    ((void)0)

#endif
#endif
