#pragma once

#include <span>
#include <vector>

#include "exporters/sql/business/business.h"
#include "exporters/sql/described.h"

namespace exporter::sql::business {

extern const Group kDataGroup, kFunnelsGroup, kEmailGroup, kCampaignsGroup, kEngagementGroup,
    kRetentionGroup, kRevenueGroup, kSalesGroup, kSubscriptionsGroup;

/// All of them.
std::span<const Group* const> groups();

/// The collectors of the source's business; empty if it has none.
std::vector<Described> describe_business(const std::shared_ptr<Source>& source);

}  // namespace exporter::sql::business
