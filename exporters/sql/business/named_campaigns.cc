#include "exporters/sql/business/named_campaigns.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/text.h"

namespace exporter::sql::business {
namespace {

using std::chrono::microseconds;

constexpr std::string_view kPrefix = "campaign/", kFull = "campaigns_were_full";
constexpr std::chrono::days kForgottenAfter(90), kWrittenAfter(1);
constexpr std::size_t kMaxName = 200;

bool can_be_named(const std::string& name) {
  return !name.empty() && name.size() <= kMaxName && valid_utf8(name);
}

Time read_time(std::string_view text) {
  return Time(microseconds(parse_number<std::int64_t>(text).value_or(0)));
}

std::string text_of(Time time) { return std::to_string(time.time_since_epoch().count()); }

}  // namespace

void NamedCampaigns::load(Ledger::Run& run) {
  members_.clear();
  run.each_metadata(kPrefix, [&](std::string_view key, std::string_view text) {
    if (text.empty()) return;
    const auto since = read_time(next_word(text));
    members_[std::string(key.substr(kPrefix.size()))] = {since, read_time(next_word(text))};
  });
  was_full_ = !run.metadata(kFull).empty();
}

void NamedCampaigns::write(const std::string& name, const Member& member, Ledger::Run& run) {
  run.set_metadata(std::string(kPrefix) + name, text_of(member.since) + ' ' + text_of(member.seen));
}

/// What was decided while the clock was ahead was decided now. Returns whether there was anything.
bool NamedCampaigns::go_back_to(Time now, Ledger::Run& run) {
  bool was_ahead = false;
  for (auto& [name, member] : members_) {
    if (std::max(member.since, member.seen) <= now + Ledger::kMaxAhead) continue;
    member.since = std::min(member.since, now);
    member.seen = std::min(member.seen, now);
    write(name, member, run);
    was_ahead = true;
  }
  return was_ahead;
}

bool NamedCampaigns::decide(const std::map<std::string, double>& orders, Time now,
                            Ledger::Run& run) {
  bool has_changed = go_back_to(now, run);
  std::vector<std::pair<double, std::string>> others;
  for (const auto& [name, count] : orders) {
    const auto member = members_.find(name);
    if (member == members_.end()) {
      if (can_be_named(name)) others.emplace_back(-count, name);
    } else if (now - member->second.seen > kWrittenAfter) {
      member->second.seen = now;
      write(name, member->second, run);
    }
  }
  for (auto member = members_.begin(); member != members_.end();) {
    if (now - member->second.seen <= kForgottenAfter) {
      ++member;
      continue;
    }
    run.set_metadata(std::string(kPrefix) + member->first, "");
    member = members_.erase(member);
    has_changed = true;
  }
  std::sort(others.begin(), others.end());
  for (const auto& [count, name] : others) {
    if (members_.size() >= most_) {
      if (!was_full_) run.set_metadata(kFull, "1");
      was_full_ = true;
      break;
    }
    const Member member{was_full_ ? now : Time(), now};
    write(name, members_[name] = member, run);
    has_changed = true;
  }
  return has_changed;
}

std::string NamedCampaigns::expression(Parameters& parameters) const {
  std::string text = "CASE WHEN campaign IS NULL OR campaign = '' THEN ''";
  std::size_t number = 0;
  for (const auto& [name, member] : members_) {
    const auto suffix = std::to_string(++number);
    parameters["campaign" + suffix] = name;
    text += " WHEN campaign = :campaign" + suffix;
    if (member.since != Time()) {
      parameters["since" + suffix] = member.since;
      text += " AND ordered_at >= :since" + suffix;
    }
    text += " THEN :campaign" + suffix;
  }
  return text + " ELSE 'other' END";
}

}  // namespace exporter::sql::business
