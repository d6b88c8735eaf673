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

/// An offset beyond the end of any list: such a page has the total, and no row that could fail.
constexpr std::size_t kBeyond = 1'000'000'000;

/// The number of rows of the list that this page is of. Throws Error{decode}.
std::size_t total_of(const Json& page);

/// Reads the rows [from, to) of a list, of which a page failed. `ask` returns how many rows it
/// received, of at most `limit`. A part that fails is halved; `leave_out` is called for each row
/// that fails alone. Throws a failure that is not of rows: see Failures::may_be_of_one().
void read_apart(std::size_t from, std::size_t to,
                const std::function<std::size_t(std::size_t offset, std::size_t limit)>& ask,
                const std::function<void(const Error&)>& leave_out);

/// Reads a whole list of rows, whose order rarely changes, page by page. A row for which `read`
/// throws Error{decode} is left out and noted in the samples. Rows beyond `most` are left out,
/// which is logged; returns their number. Throws as Api::get() does.
std::int64_t read_list(Deployment& deployment, const std::string& path, std::string_view key,
                       Query query, Samples& samples,
                       const std::function<void(const Json& row)>& read, const Deadline& deadline,
                       std::size_t most = kMostRows);

}  // namespace exporter::airflow
