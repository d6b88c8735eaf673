#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "exporters/airflow/rows.h"

namespace exporter::airflow {

/// The DAGs of a deployment as one reading of their list had them, stale ones among them.
struct DagList {
  std::map<std::string, Dag, std::less<>> dags;  ///< by id
  Time time;                                     ///< the server's clock when the reading began
};

/// The list that the collector `dags` read last, for the others of its deployment. Safe to use from
/// several threads.
class SharedDagList {
 public:
  void set(DagList list) {
    auto shared = std::make_shared<const DagList>(std::move(list));
    const std::lock_guard lock(mutex_);
    list_ = std::move(shared);
  }
  /// Null before the list was read for the first time.
  std::shared_ptr<const DagList> get() const {
    const std::lock_guard lock(mutex_);
    return list_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const DagList> list_;
};

}  // namespace exporter::airflow
