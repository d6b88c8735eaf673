#include "exporters/snowflake/usage_statement.h"

#include <algorithm>
#include <utility>

#include "common/base/time.h"

namespace exporter::snowflake {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

std::string replaced(std::string text, std::string_view what, const std::string& value) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), value);
    at += value.size();
  }
  return text;
}

}  // namespace

std::string ledger_of(const Group& group) { return "snowflake_" + std::string(group.name); }

Ledger::Options ledger_options(const Group& group) {
  Ledger::Options options;
  seconds longest{};
  for (const auto& statement : group.statements) {
    longest = std::max(longest, statement.horizon + statement.bucket);
  }
  // What is read again must not be compacted: the newest row may be as old as the view's latency.
  options.allowed_lateness = std::max<seconds>(longest * 5 / 4, std::chrono::hours(2));
  return options;
}

sys_seconds floor_to(sys_seconds time, seconds step) {
  return sys_seconds(time.time_since_epoch() / step * step);
}

std::string text_of(const UsageStatement& statement, sys_seconds lo, sys_seconds hi,
                    const Inserts& inserts) {
  const auto date = [](sys_seconds time) { return format_rfc3339(time).substr(0, 10); };
  std::string text(statement.text);
  text = replaced(std::move(text), "{lo}", std::to_string(lo.time_since_epoch().count()));
  text = replaced(std::move(text), "{hi}", std::to_string(hi.time_since_epoch().count()));
  text = replaced(std::move(text), "{lo_date}", date(lo));
  text = replaced(std::move(text), "{hi_date}", date(hi - seconds(1) + std::chrono::days(1)));
  for (const auto& [name, insert] : inserts) {
    text = replaced(std::move(text), '{' + name + '}', insert);
  }
  return text;
}

}  // namespace exporter::snowflake
