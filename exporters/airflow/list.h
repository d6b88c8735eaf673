#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/metric/samples.h"
#include "exporters/airflow/deployment.h"

namespace exporter::airflow {

constexpr std::size_t kPage = 100;  ///< the maximum page size of Airflow
constexpr std::size_t kMostRows = 50'000;
/// If more rows of a list cannot be read, it is not because of a row.
constexpr std::size_t kMostUnreadable = 3;

/// An offset beyond the end of any list: such a page has the total, and no row that could fail.
constexpr std::size_t kBeyond = 1'000'000'000;

/// The number of rows of the list that this page is of. Throws Error{decode}.
std::size_t total_of(const Json& page);

/// Requests a part of a list, without retries, and returns how many rows it received.
using AskRows = std::function<std::size_t(std::size_t offset, std::size_t limit)>;
/// Is called for each row that cannot be read.
using LeaveOut = std::function<void(const Error&)>;

/// Reads the rows [from, to) of a list, of which a page failed. A part that fails is halved;
/// `leave_out` is called for each row that fails alone. Throws a failure that is not of rows: see
/// Failures::may_be_of_one().
void read_apart(std::size_t from, std::size_t to, const AskRows& ask, const LeaveOut& leave_out);

/// Reads a page of a list and returns the number of its rows. If it fails although the rows can be
/// counted, it is requested once more, and then read apart.
std::size_t read_page(std::size_t offset, const AskRows& ask,
                      const std::function<std::size_t()>& count, const LeaveOut& leave_out);

/// What read_list() has left out.
struct LeftOut {
  std::int64_t beyond = 0;      ///< rows beyond the maximum
  bool has_unreadable = false;  ///< rows that cannot be read
};

/// Reads a whole list of rows, whose order rarely changes, page by page. A row for which `read`
/// throws Error{decode} is left out and noted in the samples, and up to kMostUnreadable rows that
/// Airflow cannot describe, with the failure in the samples. Rows beyond `most` are left out, which
/// is logged. Throws as Api::get() does, and if no row of the first pages can be read.
LeftOut read_list(Deployment& deployment, const std::string& path, std::string_view key,
                  Query query, Samples& samples, const std::function<void(const Json& row)>& read,
                  const Deadline& deadline, std::size_t most = kMostRows);

}  // namespace exporter::airflow
