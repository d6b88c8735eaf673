#pragma once

#include "exporters/snowflake/usage_statement.h"

namespace exporter::snowflake {

/// The collectors that need a warehouse: each is a group with the collector's name.
extern const Group kCostGroup, kQueriesGroup, kAttributionGroup, kQueryTagsGroup, kLoadGroup,
    kStorageGroup, kLoginsGroup, kLoginUsersGroup, kLoadsGroup, kTaskRunsGroup, kRefreshesGroup,
    kClusteringGroup, kReplicationGroup, kDatabaseReplicationGroup, kTransferGroup, kFreshnessGroup,
    kCredentialsGroup, kLocksGroup, kAlertsGroup, kAnomaliesGroup, kCurrencyGroup;
inline constexpr const Group* kGroups[] = {&kCostGroup,        &kQueriesGroup,
                                           &kAttributionGroup, &kQueryTagsGroup,
                                           &kLoadGroup,        &kStorageGroup,
                                           &kLoginsGroup,      &kLoginUsersGroup,
                                           &kLoadsGroup,       &kTaskRunsGroup,
                                           &kRefreshesGroup,   &kClusteringGroup,
                                           &kReplicationGroup, &kDatabaseReplicationGroup,
                                           &kTransferGroup,    &kFreshnessGroup,
                                           &kCredentialsGroup, &kLocksGroup,
                                           &kAlertsGroup,      &kAnomaliesGroup,
                                           &kCurrencyGroup};

}  // namespace exporter::snowflake
