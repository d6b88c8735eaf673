#include "exporters/snowflake/largest.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/config/json.h"
#include "common/config/json_object.h"

namespace exporter::snowflake {
namespace {

constexpr auto kPatience = std::chrono::days(30);
constexpr std::string_view kOther = "other";

/// All members are stored in one text of limited size, Ledger::kMaxMetadata.
constexpr std::size_t kMostOfText = 250;

bool can_be_member(const std::string& value) {
  const auto escaped = std::ranges::count_if(value, [](char c) { return c == '"' || c == '\\'; });
  return !value.empty() && value != kOther &&
         value.size() + static_cast<std::size_t>(escaped) <= kMostOfText &&
         std::ranges::none_of(value, [](unsigned char c) { return c < ' '; });
}

std::int64_t count(Largest::Time time) { return time.time_since_epoch().count(); }

}  // namespace

void Largest::load(std::string_view text) {
  if (text.empty()) return;
  try {
    for (const auto& [value, times] : Json::parse(text, "members").members()) {
      const auto time = [&](std::string_view key) {
        return Time(std::chrono::seconds(times.at(key).integer()));
      };
      if (members_.size() < most_) members_[value] = {time("since"), time("seen")};
    }
  } catch (const Error&) {
    members_.clear();
  }
}

std::string Largest::text() const {
  JsonObject all;
  for (const auto& [value, member] : members_) {
    JsonObject times;
    times.add("since", count(member.since));
    times.add("seen", count(member.seen));
    all.add(value, times);
  }
  return all.text();
}

void Largest::decide(const std::map<std::string, double>& amounts, Time now) {
  for (auto& [value, member] : members_) {  // the clock may have been ahead
    member.since = std::min(member.since, now);
    member.seen = std::min(member.seen, now);
  }
  std::vector<std::pair<double, std::string>> others;
  for (const auto& [value, amount] : amounts) {
    const auto member = members_.find(value);
    if (member != members_.end()) {
      member->second.seen = now;
    } else if (amount > 0 && can_be_member(value)) {
      others.emplace_back(-amount, value);
    }
  }
  std::erase_if(members_, [&](const auto& each) { return each.second.seen < now - kPatience; });
  std::sort(others.begin(), others.end());
  for (const auto& [amount, value] : others) {
    if (members_.size() >= most_) return;
    members_[value] = {now, now};
  }
}

std::string_view Largest::shown(std::string_view value, Time bucket) const {
  if (value.empty()) return value;
  const auto member = members_.find(value);
  return member != members_.end() && member->second.since <= bucket ? value : kOther;
}

}  // namespace exporter::snowflake
