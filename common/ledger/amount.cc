#include "common/ledger/amount.h"

#include <array>
#include <cmath>
#include <cstdint>

namespace exporter::ledger {
namespace {

constexpr std::size_t kDecimals = 9;
constexpr std::size_t kMaxDigits = 38;  // of any number of digits that 127 bits hold

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<Amount> Amount::of(double value) noexcept {
  if (!takes(value)) return std::nullopt;
  const double whole = std::floor(value);
  Amount amount;
  amount.steps_ = static_cast<Steps>(whole) * kSteps + std::llround((value - whole) * kSteps);
  return amount;
}

double Amount::value() const noexcept {
  constexpr Steps kExact = Steps{1} << 53;
  if (steps_ < kExact) return static_cast<double>(steps_) / kSteps;
  const Steps whole = steps_ / kSteps;
  return static_cast<double>(whole) + static_cast<double>(steps_ % kSteps) / kSteps;
}

std::string Amount::text() const {
  std::array<char, kMaxDigits + 2> digits;
  auto begin = digits.size();
  std::size_t count = 0;
  for (Steps rest = steps_; rest != 0 || count <= kDecimals; rest /= 10) {
    const auto digit = static_cast<char>('0' + static_cast<int>(rest % 10));
    const bool trailing_zero = count < kDecimals && digit == '0' && begin == digits.size();
    if (count++ == kDecimals && begin != digits.size()) digits[--begin] = '.';
    if (!trailing_zero) digits[--begin] = digit;
  }
  return {digits.data() + begin, digits.size() - begin};
}

std::optional<Amount> Amount::parse(std::string_view text) noexcept {
  const auto point = std::min(text.find('.'), text.size());
  const auto decimals = text.size() - std::min(point + 1, text.size());
  if (point == 0 || decimals > kDecimals || point + kDecimals > kMaxDigits) return std::nullopt;
  if (point < text.size() && decimals == 0) return std::nullopt;
  Amount amount;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == point) continue;
    if (!is_digit(text[i])) return std::nullopt;
    amount.steps_ = amount.steps_ * 10 + (text[i] - '0');
  }
  for (auto i = decimals; i < kDecimals; ++i) amount.steps_ *= 10;
  return amount;
}

}  // namespace exporter::ledger
