#pragma once

#include "common/ledger/database.h"

namespace exporter::ledger {

/// Makes a file of format 1 one of format 2, all of it or nothing. There an event was known by its
/// series and its id: it was in a series of each set of labels that it was reported with, and what
/// had moved was recorded with 0 where it had been. Such zeros are left out.
void upgrade_from_format1(const Database& database);

}  // namespace exporter::ledger
