/* The only file that asks which compiler this is. Kernels are C11 for cc and C++ for nvcc and NVRTC. */
#ifndef EG_CORE_PORTABLE_H
#define EG_CORE_PORTABLE_H

#if defined(__CUDACC__)

#if defined(__CUDACC_RTC__)
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
#else
#include <stdint.h>
#endif
#define EG_DEVICE       1
#define EG_FN           static __device__ __forceinline__
#define EG_COLD         static __device__ __noinline__
#define EG_APART        EG_FN /* a call would need a stack */
#define EG_LEAF         EG_FN
#define EG_RESTRICT     __restrict__
#define EG_UNROLL       _Pragma("unroll")
#define EG_ROLLED       _Pragma("unroll 1")
#define EG_GPU_ROLLED   EG_ROLLED /* unrolled on the CPU, where a rolled loop would keep a lane function from vectorising */
#define EG_TABLE        static __device__ const
#define EG_STATIC_ASSERT(condition, text) static_assert(condition, text)
/* Nothing computed from memory is carried across: keeps large steps from filling the registers with constants. */
#define EG_FENCE()      asm volatile("" ::: "memory")

EG_FN float eg_fmaf(float a, float b, float c) { return __fmaf_rn(a, b, c); }
EG_FN double eg_fma(double a, double b, double c) { return __fma_rn(a, b, c); }
EG_FN float eg_sqrtf(float a) { return __fsqrt_rn(a); }
EG_FN double eg_sqrt(double a) { return __dsqrt_rn(a); }
EG_FN uint32_t eg_bits32(float a) { return __float_as_uint(a); }
EG_FN float eg_float_of_bits(uint32_t a) { return __uint_as_float(a); }
EG_FN uint64_t eg_bits64(double a) { return (uint64_t)__double_as_longlong(a); }
EG_FN double eg_double_of_bits(uint64_t a) { return __longlong_as_double((long long)a); }
EG_FN uint32_t eg_mulhi32(uint32_t a, uint32_t b) { return __umulhi(a, b); }
EG_FN float eg_float_of_u32(uint32_t a) { return __uint2float_rn(a); }
/* The special function unit, an instruction each: about 22 bits, the bits of one GPU model. */
EG_FN float eg_hardware_log2(float a) { float b; asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(b) : "f"(a)); return b; }
EG_FN float eg_hardware_sqrt(float a) { float b; asm("sqrt.approx.ftz.f32 %0, %1;" : "=f"(b) : "f"(a)); return b; }
EG_FN float eg_hardware_sin(float a) { float b; asm("sin.approx.ftz.f32 %0, %1;" : "=f"(b) : "f"(a)); return b; }
EG_FN float eg_hardware_cos(float a) { float b; asm("cos.approx.ftz.f32 %0, %1;" : "=f"(b) : "f"(a)); return b; }

#else

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#define EG_DEVICE       0
#define EG_FN           static inline __attribute__((always_inline, unused))
#define EG_COLD         static __attribute__((noinline, cold, unused))
#define EG_APART        static __attribute__((noinline, unused)) /* of its own, but not rare */
#define EG_RESTRICT     restrict
#if defined(__clang__)
#define EG_UNROLL       _Pragma("clang loop unroll(full)")
#define EG_ROLLED       _Pragma("clang loop unroll(disable)")
#else
#define EG_UNROLL       _Pragma("GCC unroll 64")
#define EG_ROLLED       _Pragma("GCC unroll 1")
#endif
#define EG_LEAF         EG_FN
#if defined(EG_THREAD_FORM) /* the GPU's text on the host, for tests alone: compiled in a sixth of the time */
#undef EG_UNROLL
#undef EG_LEAF
#define EG_UNROLL
#define EG_LEAF         EG_APART
#endif
#define EG_GPU_ROLLED   EG_UNROLL
#define EG_TABLE        static const
#define EG_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#define EG_FENCE()      ((void)0)

EG_FN float eg_fmaf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
EG_FN double eg_fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
EG_FN float eg_sqrtf(float a) { return __builtin_sqrtf(a); }
EG_FN double eg_sqrt(double a) { return __builtin_sqrt(a); }
EG_FN uint32_t eg_bits32(float a) { uint32_t b; memcpy(&b, &a, sizeof b); return b; }
EG_FN float eg_float_of_bits(uint32_t a) { float b; memcpy(&b, &a, sizeof b); return b; }
EG_FN uint64_t eg_bits64(double a) { uint64_t b; memcpy(&b, &a, sizeof b); return b; }
EG_FN double eg_double_of_bits(uint64_t a) { double b; memcpy(&b, &a, sizeof b); return b; }
EG_FN uint32_t eg_mulhi32(uint32_t a, uint32_t b) { return (uint32_t)(((uint64_t)a * b) >> 32); }
#if defined(__AVX2__) && !defined(__AVX512F__)
/* No unsigned conversion there. Both halves are exact, so the sum is rounded once: the same bits. */
EG_FN float eg_float_of_u32(uint32_t a) {
  return eg_fmaf((float)(int32_t)(a >> 16), 65536.0f, (float)(int32_t)(a & 0xffffu));
}
#else
EG_FN float eg_float_of_u32(uint32_t a) { return (float)a; }
#endif

#endif

/* |a| finite, without libm: NaN and infinity have all exponent bits set. */
EG_FN int eg_is_finite(double a) { return (eg_bits64(a) & 0x7ff0000000000000ull) != 0x7ff0000000000000ull; }

#endif
