#pragma once

#include "common/ledger/database.h"

namespace exporter::ledger {

/// Converts a file from format 1 to format 2, in one transaction. In format 1 an event was
/// identified by its series and its id, so that it was in one series for each set of labels that it
/// was ever reported with; where it no longer counted, it was recorded as 0. Those zeros are
/// dropped.
void upgrade_from_format1(const Database& database);

}  // namespace exporter::ledger
