#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/metric/samples.h"
#include "exporters/airflow/deployment.h"

namespace exporter::airflow {

constexpr std::size_t kPage = 100;  ///< the most rows that Airflow gives at once
constexpr std::size_t kMostRows = 50'000;

/// Reads a whole list of rows whose order seldom changes, page by page. A row of which `read`
/// throws Error{decode} is left out and noted in the samples. What is beyond kMostRows is left out,
/// which is logged. Throws as Api::get() does.
void read_list(Deployment& deployment, const std::string& path, std::string_view key, Query query,
               Samples& samples, const std::function<void(const Json& row)>& read,
               const Deadline& deadline);

}  // namespace exporter::airflow
