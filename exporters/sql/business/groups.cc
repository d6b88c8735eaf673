#include "exporters/sql/business/groups.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/collect/schedule.h"

namespace exporter::sql::business {
namespace {

constexpr const Group* kGroups[] = {&kDataGroup,      &kFunnelsGroup,    &kEmailGroup,
                                    &kCampaignsGroup, &kEngagementGroup, &kRetentionGroup,
                                    &kRevenueGroup,   &kSalesGroup,      &kSubscriptionsGroup};

constexpr std::chrono::hours kHourly(1);
constexpr std::chrono::minutes kShownAtLeast(15);  // after failed runs

/// A failing statement may mean that a view has changed.
CollectFunction collect_of(const Group& group, const std::shared_ptr<Business>& business) {
  const auto note = [business](const Error& error) {
    if (error.reason() == Reason::query) business->look_again();
  };
  return [collect = group.make(business), note](Samples& samples, const Deadline& deadline) {
    try {
      collect(samples, deadline);
    } catch (const Error& error) {
      note(error);
      throw;
    }
    if (const auto failure = samples.failure()) note(*failure);
  };
}

std::string missing(const Group& group, Business& business, const Deadline& deadline) {
  const auto found = business.look(deadline);
  if (group.require != nullptr) group.require(business, *found);
  return found->missing(group.needs);
}

Collector collector_of(const Group& group, const std::shared_ptr<Business>& business) {
  const auto& config = business->config();
  const Clock::duration interval = group.pace == Group::Pace::hourly
                                       ? std::max<Clock::duration>(config.every, kHourly)
                                       : config.every;
  return {.name = std::string(group.name),
          .schedule = Every{interval, std::max<Clock::duration>(times(interval, 3), kShownAtLeast)},
          .timeout = config.timeout,
          .metrics = {group.metrics.begin(), group.metrics.end()},
          .collect = collect_of(group, business),
          .at_once = business->source()->connections,
          .says_up = &group == &kDataGroup};  // so that each run queries it
}

std::vector<Planned> plan_of(const Group& group, const Business& business) {
  auto& source = *business.source();
  std::vector<Planned> all;
  for (auto& query : group.plan(business)) {
    all.push_back(
        planned(source.name, source.database, query.text, query.parameters, std::move(query.note)));
  }
  return all;
}

}  // namespace

std::span<const Group* const> groups() { return kGroups; }

std::vector<Described> describe_business(const std::shared_ptr<Source>& source) {
  std::vector<Described> all;
  if (!source->business) return all;
  const auto business = std::make_shared<Business>(source, source->business);
  for (const auto* group : kGroups) {
    all.push_back({collector_of(*group, business),
                   [group, business] { return plan_of(*group, *business); },
                   [group, business](const Deadline& deadline) {
                     return missing(*group, *business, deadline);
                   }});
  }
  return all;
}

}  // namespace exporter::sql::business
