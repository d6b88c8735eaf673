#pragma once

#include <map>
#include <sstream>
#include <string>

#include "exporters/snowflake/spending.h"

namespace spending_test {

using namespace exporter;
using namespace exporter::snowflake;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// 2026-03-01T10:00:00Z, in the past of the clock that the ledger has.
inline constexpr Spending::Time kTen{seconds(1'772'359'200)};
inline constexpr Price kSmall{.credits_per_hour = 1, .auto_suspend = seconds(60)};

inline Spending::Time now;

inline Deadline soon() { return Deadline::in(minutes(5)); }

/// The exporter's spending, with a clock that the test moves.
class Spender {
 public:
  explicit Spender(double cap, const std::string& directory = "")
      : ledgers_(directory),
        spending_("prod", ledgers_.open("snowflake_spending", "prod", kOptions)),
        cap_(cap) {
    spending_.set_clock([] { return now; });
  }

  /// A statement that is given a minute.
  Spending::Permit enter(const Price& price = kSmall, const Deadline& deadline = soon()) {
    return spending_.enter(cap_, price, minutes(1), deadline);
  }
  std::int64_t stretch(seconds cycle) { return spending_.stretch(cap_, cycle, soon()); }

  SharedLedger ledger() { return ledgers_.open("snowflake_spending", "prod", kOptions); }

  /// Runs one that takes so long.
  void run(seconds takes, const Price& price = kSmall) {
    auto permit = enter(price);
    now += takes;
    permit.note_end();
  }

  std::map<std::string, double> figures() {
    Samples samples;
    spending_.add_to(cap_, samples, soon());
    std::string page;
    samples.render(Format::text, page);
    std::map<std::string, double> values;
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with('#')) continue;
      values[line.substr(0, line.find('{'))] = std::stod(line.substr(line.rfind(' ')));
    }
    return values;
  }

 private:
  static constexpr Ledger::Options kOptions{.past = std::chrono::days(3650)};
  Ledgers ledgers_;
  Spending spending_;
  const double cap_;
};

}  // namespace spending_test
