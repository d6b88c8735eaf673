#pragma once

#include <map>
#include <string>

#include "exporters/airflow/rows.h"

namespace exporter::airflow {

/// The DAGs of a deployment as one reading of their list had them, stale ones among them.
struct DagList {
  std::map<std::string, Dag, std::less<>> dags;  ///< by id
  Time time;                                     ///< when the reading began, by our clock
};

}  // namespace exporter::airflow
