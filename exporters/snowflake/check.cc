#include <algorithm>
#include <string>

#include "common/base/error.h"
#include "exporters/snowflake/show.h"

namespace exporter::snowflake {

/// A refused login is the same for all statements: the first one's error says it.
Findings check_account(Account& account, const Deadline& deadline) {
  Findings findings{{"URL", account.url}};
  for (const auto& [what, statement] : kShows) {
    std::string name(what);
    std::replace(name.begin(), name.end(), '_', ' ');
    try {
      Samples none;
      const auto seen = show(account, statement, none, deadline, [](const Row&) {});
      findings.push_back({name, seen > 0 ? std::to_string(seen) + " visible"
                                         : "none visible: there is none, or the role has no "
                                           "privilege on any"});
    } catch (const Error& error) {
      findings.push_back({name, error.what(), false});
      const bool is_login = error.reason() != Reason::query;
      if (is_login && findings.size() == 2) return findings;
    }
  }
  return findings;
}

}  // namespace exporter::snowflake
