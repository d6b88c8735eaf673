#include "exporters/airflow/list.h"

#include <algorithm>

#include "common/app/rows.h"
#include "common/base/log.h"

namespace exporter::airflow {

std::int64_t read_list(Deployment& deployment, const std::string& path, std::string_view key,
                       Query query, Samples& samples,
                       const std::function<void(const Json& row)>& read, const Deadline& deadline,
                       std::size_t most) {
  query.emplace_back("limit", std::to_string(kPage));
  query.emplace_back("offset", "0");
  std::int64_t unread = 0;
  for (std::size_t received = 0; received < most;) {
    query.back().second = std::to_string(received);
    const auto page = deployment.api.get(path, query, deadline).body;
    const auto rows = page.at(key);
    read_rows(rows, samples, read);
    const auto count = rows.items().size();
    received += count;
    const auto total = page.find("total_entries");
    if (total)
      unread = std::max<std::int64_t>(0, total->integer() - static_cast<std::int64_t>(received));
    if (count == 0 || (total && unread == 0)) return 0;
  }
  log::warn("rows of a long list are left out",
            {{"deployment", deployment.name}, {"list", path}, {"rows", unread}});
  return unread;
}

}  // namespace exporter::airflow
