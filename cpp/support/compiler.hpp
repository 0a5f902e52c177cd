// What the language has no word for and compilers spell each in its own way.
#pragma once

#if defined(_MSC_VER) && !defined(__clang__)
#error "MSVC's compiler has no vector types: build with clang, as docs/platforms.md says"
#endif

#define EVENLY_ALWAYS_INLINE __attribute__((always_inline))
#define EVENLY_INLINE inline EVENLY_ALWAYS_INLINE
#define EVENLY_APART __attribute__((noinline))

// A type of `bytes` bytes whose arithmetic is that of its lanes: behind the name in a typedef.
#define EVENLY_VECTOR(bytes) __attribute__((vector_size(bytes)))

#if defined(_WIN32)
#define EVENLY_EXPORT
#else
#define EVENLY_EXPORT __attribute__((visibility("default")))
#endif

// A vector's numbers as those of another type of vector with as many lanes.
#define EVENLY_CONVERT __builtin_convertvector

// The loop behind it is laid out n times.
#define EVENLY_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define EVENLY_UNROLL(n) EVENLY_PRAGMA(clang loop unroll_count(n))
#else
#define EVENLY_UNROLL(n) EVENLY_PRAGMA(GCC unroll n)
#endif

// Asks for the cache line of an address: to read it, or (1) to write it.
#define EVENLY_PREFETCH(address, write) __builtin_prefetch(address, write)

// The lanes of two vectors by their numbers, where the compiler has a word for it.
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define EVENLY_SHUFFLE __builtin_shufflevector
#endif
#endif
