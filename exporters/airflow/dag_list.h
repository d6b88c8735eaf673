#pragma once

#include <map>
#include <string>

#include "exporters/airflow/rows.h"

namespace exporter::airflow {

/// The DAGs of a deployment in one reading of their list, including stale ones.
struct DagList {
  std::map<std::string, Dag, std::less<>> dags;  ///< by id
  Time time;                                     ///< when the reading started, by our clock
};

}  // namespace exporter::airflow
