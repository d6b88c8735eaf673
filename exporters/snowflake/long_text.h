#pragma once

#include <string>
#include <string_view>

#include "common/ledger/ledger.h"

namespace exporter::snowflake {

/// A text in the metadata that may be longer than the limit, up to 4 MB; an even longer one is
/// stored as an empty one.
void set_long_text(Ledger::Run& run, const std::string& key, std::string_view text);
std::string long_text(Ledger::Run& run, const std::string& key);

}  // namespace exporter::snowflake
