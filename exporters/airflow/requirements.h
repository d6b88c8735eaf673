#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/app/settings.h"
#include "common/base/time_zone.h"
#include "common/config/yaml.h"
#include "exporters/airflow/dag_list.h"
#include "exporters/airflow/selection.h"

namespace exporter::airflow {

/// By when which DAGs must have succeeded: the key `deadlines` of a deployment.
class Requirements {
 public:
  /// Throws Error{config}.
  explicit Requirements(const Yaml& deployment);

  /// Since when a run of each DAG of the list must have succeeded, of those that have a deadline:
  /// by the strictest, where several are of the same DAG. Not of DAGs that are paused or in no
  /// file.
  std::map<std::string, Time> of(const DagList& list, Time now) const;

  /// The expressions (`dag_id`) of the deadlines that match no DAG of the view's list that counts;
  /// all of them without a list.
  std::vector<std::string> unmatched(const DagView& view) const;

 private:
  /// A time of each day that counts; see docs/airflow.md.
  struct DoneBy {
    TimeZone zone;
    std::chrono::minutes by{}, since{};  ///< since midnight
    bool counts[7] = {};                 ///< days of the week; Sunday is the first

    std::optional<Time> required_since(Time now) const;
  };
  struct Rule {
    std::string dag_id;  ///< the expression of `dags`
    Filter dags;
    std::optional<DoneBy> done_by;
    std::chrono::milliseconds max_age{};  ///< unless done_by

    std::optional<Time> required_since(Time now) const;
  };

  static Rule read_rule(const Yaml& entry);
  static DoneBy read_done_by(const Yaml& entry, const Yaml& done_by);

  std::vector<Rule> rules_;
};

}  // namespace exporter::airflow
