#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace exporter::ledger {

/// A sum, or what is added to it, in whole steps of 1e-9: adding is exact, so that a sum does not
/// depend on its order.
class Amount {
 public:
  /// The largest value that of() takes; 1e11 of these can be added up.
  static constexpr double kMaxValue = 1e18;

  constexpr Amount() = default;
  /// The step nearest to a value from 0 to kMaxValue; nothing for NaN and any other.
  static std::optional<Amount> of(double value) noexcept;
  /// What text() wrote; nothing for any other text.
  static std::optional<Amount> parse(std::string_view text) noexcept;

  /// The double nearest to it; never less for a larger amount.
  double value() const noexcept;
  /// In decimal digits, e.g. "12", "0.25".
  std::string text() const;

  Amount& operator+=(Amount other) noexcept {
    steps_ += other.steps_;
    return *this;
  }
  Amount& operator-=(Amount other) noexcept {
    steps_ -= other.steps_;
    return *this;
  }
  friend constexpr auto operator<=>(Amount, Amount) = default;

 private:
  __extension__ using Steps = __int128;

  Steps steps_ = 0;
};

}  // namespace exporter::ledger
