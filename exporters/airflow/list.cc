#include "exporters/airflow/list.h"

#include <algorithm>
#include <optional>

#include "common/app/rows.h"
#include "common/base/log.h"
#include "exporters/airflow/failures.h"

namespace exporter::airflow {
namespace {

struct Parts {
  const AskRows& ask;
  const LeaveOut& leave_out;

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

/// Reads a list, whose path and other parameters are given.
class List {
 public:
  List(Deployment& deployment, Samples& samples, const Deadline& deadline)
      : deployment_(deployment), samples_(samples), deadline_(deadline), rows_(samples) {}

  std::string path;
  std::string_view key;
  Query query;
  std::function<void(const Json&)> read;

  LeftOut read_all(std::size_t most);

 private:
  Json ask(std::size_t offset, std::size_t limit);
  std::size_t read_part(std::size_t offset, std::size_t limit);
  void leave_out(const Error& error);

  Deployment& deployment_;
  Samples& samples_;
  const Deadline& deadline_;
  ListRows rows_;
  std::optional<std::size_t> total_;
  std::size_t unreadable_ = 0;
};

LeftOut List::read_all(std::size_t most) {
  std::size_t received = 0;
  bool is_at_end = false;
  while (!is_at_end && received < most) {
    const auto count = read_page(
        received, [&](std::size_t offset, std::size_t limit) { return read_part(offset, limit); },
        [&] { return *(total_ = total_of(ask(kBeyond, 1))); },
        [&](const Error& error) { leave_out(error); });
    rows_.check();
    received += count;
    is_at_end = count == 0 || (total_ && received >= *total_);
  }
  LeftOut left_out;
  left_out.has_unreadable = rows_.has_left_out() || unreadable_ > 0;
  if (!is_at_end) {
    left_out.beyond = static_cast<std::int64_t>(total_.value_or(received) - received);
    log::warn("rows of a long list are left out",
              {{"deployment", deployment_.name}, {"list", path}, {"rows", left_out.beyond}});
  }
  return left_out;
}

Json List::ask(std::size_t offset, std::size_t limit) {
  auto part = query;
  part.emplace_back("limit", std::to_string(limit));
  part.emplace_back("offset", std::to_string(offset));
  return deployment_.api.get_once(path, part, deadline_).body;
}

std::size_t List::read_part(std::size_t offset, std::size_t limit) {
  const auto page = ask(offset, limit);
  if (page.find("total_entries")) total_ = total_of(page);
  return rows_.take(page.at(key), read);
}

void List::leave_out(const Error& error) {
  if (++unreadable_ > kMostUnreadable) throw Error(error);
  samples_.set_failure(error);
}

}  // namespace

std::size_t total_of(const Json& page) {
  return static_cast<std::size_t>(std::max<std::int64_t>(0, page.at("total_entries").integer()));
}

void read_apart(std::size_t from, std::size_t to, const AskRows& ask, const LeaveOut& leave_out) {
  if (from < to) Parts{ask, leave_out}.read(from, to, true);
}

std::size_t read_page(std::size_t offset, const AskRows& ask,
                      const std::function<std::size_t()>& count, const LeaveOut& leave_out) {
  try {
    return ask(offset, kPage);
  } catch (const Error& error) {
    if (!Failures::may_be_of_one(error)) throw;
  }
  const auto end = std::min(count(), offset + kPage);
  if (offset >= end) return 0;
  Parts{ask, leave_out}.read(offset, end, false);
  return end - offset;
}

LeftOut read_list(Deployment& deployment, const std::string& path, std::string_view key,
                  Query query, Samples& samples, const std::function<void(const Json& row)>& read,
                  const Deadline& deadline, std::size_t most) {
  List list(deployment, samples, deadline);
  list.path = path;
  list.key = key;
  list.query = std::move(query);
  list.read = read;
  return list.read_all(most);
}

}  // namespace exporter::airflow
