#include "exporters/sql/business/groups.h"

#include <algorithm>

namespace exporter::sql::business {
namespace {

constexpr const Group* kGroups[] = {&kDataGroup,      &kFunnelsGroup,    &kEmailGroup,
                                    &kCampaignsGroup, &kEngagementGroup, &kRetentionGroup,
                                    &kRevenueGroup,   &kSalesGroup,      &kSubscriptionsGroup};

constexpr std::chrono::hours kHourly(1);
constexpr std::chrono::minutes kShownAtLeast(15);  // when runs fail

}  // namespace

std::vector<Collector> describe_business(const std::shared_ptr<Source>& source) {
  std::vector<Collector> collectors;
  if (!source->business) return collectors;
  const auto& config = *source->business;
  const auto business = std::make_shared<Business>(source, source->business);
  for (const auto* group : kGroups) {
    const Clock::duration interval = group->pace == Group::Pace::hourly
                                         ? std::max<Clock::duration>(config.every, kHourly)
                                         : config.every;
    collectors.push_back(
        {.name = std::string(group->name),
         .schedule = Every{interval, std::max<Clock::duration>(3 * interval, kShownAtLeast)},
         .timeout = config.timeout,
         .metrics = {group->metrics.begin(), group->metrics.end()},
         .collect = group->make(business),
         .at_once = source->connections,
         .says_up = group == &kDataGroup});  // which asks it in each run
  }
  return collectors;
}

}  // namespace exporter::sql::business
