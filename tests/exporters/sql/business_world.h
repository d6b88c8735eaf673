#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "exporters/sql/business/groups.h"
#include "tests/exporters/sql/business_shop.h"
#include "tests/exporters/sql/shop.h"
#include "tests/support/upstreams.h"

namespace exporter::sql::business {

inline constexpr const char* kBerlin =
    "business:\n"
    "  timezone: Europe/Berlin\n"
    "  past: 400d\n"
    "  campaigns: 3\n"
    "  funnels:\n"
    "    application:\n"
    "      start: application_started\n"
    "      end: application_submitted\n"
    "      by: channel\n";

/// The shop in SQLite, or in the database of $SQL_BUSINESS_ODBC, which must have it already and
/// whose password is in $SQL_BUSINESS_PASSWORD.
class World {
 public:
  World() {
    if (!is_elsewhere()) shop_.execute(BusinessShop().sql(Dialect::sqlite));
  }

  static bool is_elsewhere() { return std::getenv("SQL_BUSINESS_ODBC") != nullptr; }

  std::shared_ptr<Business> business(const std::string& configuration = kBerlin,
                                     Time now = BusinessShop::now()) {
    const auto source = is_elsewhere() ? elsewhere(configuration) : shop_.source(configuration);
    return std::make_shared<Business>(source, source->business, [now] { return now; });
  }

  /// The page of a group, without headers.
  std::string page(const Group& group, const std::string& configuration = kBerlin,
                   Time now = BusinessShop::now()) {
    return Shop::page(group.make(business(configuration, now)));
  }

  Shop& shop() { return shop_; }

 private:
  std::shared_ptr<Source> elsewhere(const std::string& configuration) {
    const auto file = Yaml::parse(
        "sources:\n  - name: shop\n    odbc: " + std::string(std::getenv("SQL_BUSINESS_ODBC")) +
            "\n    password_env: SQL_BUSINESS_PASSWORD\n" + configuration,
        "test.yml");
    const auto entry = file.required("sources").items().front();
    return kSources.make({"shop", entry, nullptr, upstreams(),
                          std::make_shared<Ledgers>(shop_.directory() / "state"), false, true,
                          &file});
  }

  Shop shop_;
};

}  // namespace exporter::sql::business
