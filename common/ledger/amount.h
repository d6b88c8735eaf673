#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace exporter::ledger {

/// A sum, or an amount to add to it, in steps of 1e-9. Addition is exact, so that a sum does not
/// depend on the order.
class Amount {
 public:
  /// The largest value that of() accepts; 1e11 of these can be added up.
  static constexpr double kMaxValue = 1e18;

  constexpr Amount() = default;
  static constexpr bool takes(double value) noexcept { return value >= 0 && value <= kMaxValue; }
  /// The amount nearest to a value; nothing for NaN and values that are out of range.
  static std::optional<Amount> of(double value) noexcept;
  static constexpr Amount whole(std::uint64_t number) noexcept {
    Amount amount;
    amount.steps_ = static_cast<Steps>(number) * kSteps;
    return amount;
  }
  /// Parses what text() wrote; nothing for any other text.
  static std::optional<Amount> parse(std::string_view text) noexcept;

  /// The nearest double; monotonic in the amount.
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
  static constexpr std::int64_t kSteps = 1'000'000'000;

  Steps steps_ = 0;
};

}  // namespace exporter::ledger
