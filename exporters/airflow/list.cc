#include "exporters/airflow/list.h"

#include "common/app/rows.h"
#include "common/base/log.h"

namespace exporter::airflow {

void read_list(Deployment& deployment, const std::string& path, std::string_view key, Query query,
               Samples& samples, const std::function<void(const Json& row)>& read,
               const Deadline& deadline) {
  query.emplace_back("limit", std::to_string(kPage));
  query.emplace_back("offset", "0");
  for (std::size_t received = 0; received < kMostRows;) {
    query.back().second = std::to_string(received);
    const auto page = deployment.api.get(path, query, deadline).body;
    const auto rows = page.at(key);
    read_rows(rows, samples, read);
    const auto count = rows.items().size();
    received += count;
    const auto total = page.find("total_entries");
    if (count == 0 || (total && static_cast<std::int64_t>(received) >= total->integer())) return;
  }
  log::warn("rows of a long list are left out", {{"deployment", deployment.name},
                                                 {"list", path},
                                                 {"rows", static_cast<std::int64_t>(kMostRows)}});
}

}  // namespace exporter::airflow
