#pragma once

#include "exporters/sql/business/business.h"

namespace exporter::sql::business {

extern const Group kDataGroup, kFunnelsGroup, kEmailGroup, kCampaignsGroup, kEngagementGroup,
    kRetentionGroup, kRevenueGroup, kSalesGroup, kSubscriptionsGroup;

/// The collectors of the source's business; none where it has no business.
std::vector<Collector> describe_business(const std::shared_ptr<Source>& source);

}  // namespace exporter::sql::business
