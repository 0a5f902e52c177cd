// Products whose result has few columns, or few rows: a vector across them would be mostly empty.
#pragma once
#include "kernels/product.hpp"

namespace evenly::EVENLY_ISA {

constexpr Index kTerms = 256;  // that are summed in registers before they join the result
constexpr Index kFewDots = 5;  // fewer rows than these do not repay turning the right side
// Fewer columns than these are dot products; the sums over the lanes of a long vector cost more
// than to turn the left side, for all columns.
template <class T>
constexpr Index kNarrowDots = kVector<T> >= 16 ? 3 : kVector<T>;

// A matrix as a product reads it: row i's k-th number lies at start + i * row + k * term.
template <class T>
struct Side {
  const T* start;
  Index row, term;

  const T* at(Index i, Index k) const { return start + i * row + k * term; }
};

// The lanes 0, 1, ... of a vector.
template <int... J>
struct Lane {};
template <int N, int... J>
struct LanesUpTo : LanesUpTo<N - 1, N - 1, J...> {};
template <int... J>
struct LanesUpTo<0, J...> {
  using type = Lane<J...>;
};

// Exchanges the blocks of D lanes that stand off the diagonal of two rows D apart.
template <class T, int D, int... J>
inline void exchange(Vector<T>& a, Vector<T>& b, Lane<J...>) {
#ifdef EVENLY_SHUFFLE
  constexpr int N = sizeof...(J);
  const Vector<T> upper = EVENLY_SHUFFLE(a, b, ((J & D) ? N + J - D : J)...);
  b = EVENLY_SHUFFLE(a, b, ((J & D) ? N + J : J + D)...);
#else
  const Vector<T> upper = {((J & D) ? b[(J - D) & (sizeof...(J) - 1)] : a[J])...};
  b = Vector<T>{((J & D) ? b[J] : a[(J + D) & (sizeof...(J) - 1)])...};
#endif
  a = upper;
}
template <class T, int D>
inline void exchange_all(Vector<T>* rows) {
  constexpr int N = kVector<T>;
  for (int i = 0; i < N; ++i)
    if ((i & D) == 0) exchange<T, D>(rows[i], rows[i + D], typename LanesUpTo<N>::type{});
  if constexpr (D > 1) exchange_all<T, D / 2>(rows);
}

// to[k][j] = from[j][k] for a square of as many rows as a vector has lanes.
template <class T>
inline void transpose_square(const T* from, Index from_pitch, T* to, Index to_pitch) {
  constexpr Index N = kVector<T>;
  Vector<T> rows[N];
  for (Index j = 0; j < N; ++j) rows[j] = load(from + j * from_pitch);
  exchange_all<T, N / 2>(rows);
  for (Index k = 0; k < N; ++k) store(to + k * to_pitch, rows[k]);
}

// The same of part of a square: `count` rows of `length` numbers; the columns' other numbers are 0.
template <class T>
inline void transpose_part(const T* from, Index from_pitch, Index count, Index length, T* to,
                           Index to_pitch) {
  constexpr Index N = kVector<T>;
  if (count == N && length == N) return transpose_square(from, from_pitch, to, to_pitch);
  Vector<T> rows[N] = {};
  for (Index j = 0; j < count; ++j) rows[j] = load_some(from + j * from_pitch, length);
  exchange_all<T, N / 2>(rows);
  for (Index k = 0; k < length; ++k) store(to + k * to_pitch, rows[k]);
}

// A vector of the right side's columns, for `terms` terms from the k-th, whatever way they lie.
template <class T>
EVENLY_APART void pack_turned(const Side<T>& b, Index first, Index width, Index k, Index terms,
                              T* to) {
  constexpr Index pitch = kPanel<T>;
  if (b.term != 1) {
    for (Index t = 0; t < terms; ++t) store(to + t * pitch, load_some(b.at(first, k + t), width));
    return;
  }
  Index done = 0;
  for (; terms - done >= larger(1, kVector<T> / 4); done += smaller(kVector<T>, terms - done))
    transpose_part(b.at(first, k + done), b.row, width, smaller(kVector<T>, terms - done),
                   to + done * pitch, pitch);
  for (; done < terms; ++done)
    for (Index c = 0; c < kVector<T>; ++c)
      to[done * pitch + c] = c < width ? *b.at(first + c, k + done) : T(0);
}

// Where the result's numbers lie: of the many, and of the few.
template <class T>
struct Result {
  T* start;
  Index many, few;

  void put(Index i, Index j, T value, bool add) const {
    T& to = start[i * many + j * few];
    to = add ? to + value : value;
  }
};

// The sums over the lanes of as many vectors as a vector has lanes; in place, into the first.
template <class T, int D>
inline void sum_lanes(Vector<T>* sums) {
  for (int i = 0; i < D; ++i) {
    exchange<T, D>(sums[i], sums[i + D], typename LanesUpTo<kVector<T>>::type{});
    sums[i] += sums[i + D];
  }
  if constexpr (D > 1) sum_lanes<T, D / 2>(sums);
}

// Dot products of many rows and a few, over `terms` terms from the k-th. The rows of the many lie
// as they are read; those of the few are copied to the buffer where they do not.
template <class T>
void dots_with_few(const Side<T>& many, Index m, const Side<T>& few, Index n, Index k, Index terms,
                   T* buffer, bool add, Result<T> result) {
  constexpr Index N = kVector<T>;
  constexpr int Q = N >= 8 ? 1 : 2;  // of the few at once: enough sums to hide how long each takes
  Side<T> right{few.at(0, k), few.row, 1};
  if (few.term != 1) {
    for (Index j = 0; j < n; ++j)
      for (Index t = 0; t < terms; ++t) buffer[j * terms + t] = *few.at(j, k + t);
    right = {buffer, terms, 1};
  }
  const Index whole = terms / N * N;
  for (Index done = 0; done < m; done += N) {
    const Index first = smaller(done, m - N);
    for (Index j = 0; j < n; j += Q) {
      Vector<T> sums[Q][N] = {};
      const T *from[N], *with[Q];
      for (Index i = 0; i < N; ++i) from[i] = many.at(first + i, k);
      for (Index q = 0; q < Q; ++q) with[q] = right.at(smaller(j + q, n - 1), 0);
      for (Index t = 0; t < whole; t += N)
        for (Index i = 0; i < N; ++i) {
          const Vector<T> row = load(from[i] + t);
          for (Index q = 0; q < Q; ++q) sums[q][i] += row * load(with[q] + t);
        }
      for (Index q = 0; q < smaller(Q, n - j); ++q) {
        sum_lanes<T, N / 2>(sums[q]);
        T total[N];
        store(total, sums[q][0]);
        for (Index i = done - first; i < N; ++i) {
          T rest = 0;
          for (Index t = whole; t < terms; ++t) rest += from[i][t] * with[q][t];
          result.put(first + i, j + q, total[i] + rest, add);
        }
      }
    }
  }
}

// The few rows by the many columns, which are turned where they do not lie side by side.
template <class T>
void few_by_rows(const Side<T>& few, Index n, const Side<T>& many, Index m, Index k, Index terms,
                 T* buffer, bool add, Result<T> result) {
  const Index tiles = divide_up(n, kRows);
  for (Index done = 0; done < m;) {
    const Index second = smaller(done + kVector<T>, m - kVector<T>);
    const Index first = smaller(done, second);
    const T* panel = many.at(first, k);
    PanelRows<T> lie{many.term, second - first};
    if (many.row != 1) {
      pack_turned(many, first, kVector<T>, k, terms, buffer);
      pack_turned(many, second, kVector<T>, k, terms, buffer + kVector<T>);
      panel = buffer;
      lie = {};
    }
    for (Index tile_number = 0; tile_number < tiles; ++tile_number) {
      const Index row = n * tile_number / tiles;
      with_rows(n * (tile_number + 1) / tiles - row, [&](auto tile) {
        constexpr int M = decltype(tile)::rows;
        const T* at[M];
        for (int i = 0; i < M; ++i) at[i] = few.at(row + i, k);
        Sums<T, M> sums;
        sums.zero();
        add_outer(at, few.term, terms, panel, sums, lie);
        for (int i = 0; i < M; ++i) {
          T part[kPanel<T>];
          sums.put(i, part, kPanel<T>);
          for (Index c = done - first; c < kVector<T>; ++c)
            result.put(first + c, row + i, part[c], add);
          for (Index c = larger(done, first + kVector<T>) - second; c < kVector<T>; ++c)
            result.put(second + c, row + i, part[kVector<T> + c], add);
        }
      });
    }
    done = second + kVector<T>;
  }
}

}  // namespace evenly::EVENLY_ISA
