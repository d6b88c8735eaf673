#include "exporters/airflow/list.h"

#include <algorithm>
#include <optional>

#include "common/app/rows.h"
#include "common/base/log.h"
#include "exporters/airflow/failures.h"

namespace exporter::airflow {
namespace {

struct Parts {
  const std::function<std::size_t(std::size_t, std::size_t)>& ask;
  const std::function<void(const Error&)>& leave_out;

  bool read(std::size_t from, std::size_t to, bool is_known_to_fail) const;
  std::optional<std::size_t> read_at_once(std::size_t from, std::size_t to) const;
};

/// False if not all of it can be read.
bool Parts::read(std::size_t from, std::size_t to, bool is_known_to_fail) const {
  const bool is_single = to - from == 1;
  if (is_single || !is_known_to_fail) {
    if (const auto received = read_at_once(from, to)) {
      return *received == 0 || *received >= to - from || read(from + *received, to, false);
    }
    if (is_single) return false;
  }
  const auto middle = from + (to - from) / 2;
  const bool is_first_read = read(from, middle, false);
  return read(middle, to, is_first_read) && is_first_read;
}

/// The number of rows received; nothing if they cannot be read.
std::optional<std::size_t> Parts::read_at_once(std::size_t from, std::size_t to) const {
  try {
    return ask(from, to - from);
  } catch (const Error& error) {
    if (!Failures::may_be_of_one(error)) throw;
    if (to - from == 1) leave_out(error);
    return std::nullopt;
  }
}

}  // namespace

std::size_t total_of(const Json& page) {
  return static_cast<std::size_t>(std::max<std::int64_t>(0, page.at("total_entries").integer()));
}

void read_apart(std::size_t from, std::size_t to,
                const std::function<std::size_t(std::size_t offset, std::size_t limit)>& ask,
                const std::function<void(const Error&)>& leave_out) {
  if (from < to) Parts{ask, leave_out}.read(from, to, true);
}

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
