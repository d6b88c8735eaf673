#pragma once

#include "exporters/snowflake/usage_statement.h"

namespace exporter::snowflake {

/// What needs a warehouse: each group is the collector of its name.
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
