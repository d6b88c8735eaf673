#pragma once

#include <cstddef>

/// The page that bench_page and bench_exposer both serve: kFamilies gauges of kSeries / kFamilies
/// series each, with four labels.
namespace bench {

inline constexpr std::size_t kSeries = 100'000;
inline constexpr std::size_t kFamilies = 20;

/// A value with all of its digits.
inline double value(std::size_t i) { return static_cast<double>(i) / 3.0; }

}  // namespace bench
