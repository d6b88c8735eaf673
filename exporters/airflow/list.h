#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/metric/samples.h"
#include "exporters/airflow/deployment.h"

namespace exporter::airflow {

constexpr std::size_t kPage = 100;  ///< the maximum page size of Airflow
constexpr std::size_t kMostRows = 50'000;

/// Reads a whole list of rows, whose order rarely changes, page by page. A row for which `read`
/// throws Error{decode} is left out and noted in the samples. Rows beyond `most` are left out,
/// which is logged; returns their number. Throws as Api::get() does.
std::int64_t read_list(Deployment& deployment, const std::string& path, std::string_view key,
                       Query query, Samples& samples,
                       const std::function<void(const Json& row)>& read, const Deadline& deadline,
                       std::size_t most = kMostRows);

}  // namespace exporter::airflow
