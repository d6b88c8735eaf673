#include "common/base/error.h"
#include "exporters/airflow/deployment.h"

namespace exporter::airflow {
namespace {

/// A list, by the right that is needed to read it.
struct List {
  std::string_view right, path;
  Query query = {};             ///< so that an index answers, however long the list is
  bool may_answer_500 = false;  ///< Airflow 2, where a pool has no limit
};

std::vector<List> lists_of(ApiVersion api) {
  const bool is_v1 = api == ApiVersion::v1;
  const Query live{{"state", "running"}};
  std::vector<List> lists{{"DAGs", "/dags"},
                          {"DAG runs", "/dags/~/dagRuns", live},
                          {"task instances", "/dags/~/dagRuns/~/taskInstances", live},
                          {"pools", "/pools", {}, is_v1},
                          {"import errors", "/importErrors"},
                          {"DAG warnings", "/dagWarnings"},
                          {is_v1 ? "datasets" : "assets", is_v1 ? "/datasets" : "/assets"}};
  if (!is_v1) lists.push_back({"jobs", "/jobs"});
  return lists;
}

/// What an answer says of a list; nothing when it was allowed.
std::optional<Error> ask(Api& api, const List& list, const Deadline& deadline) {
  auto query = list.query;
  query.emplace_back("limit", "1");
  try {
    const std::string path(list.path);
    if (list.may_answer_500) {
      api.get_unless_500(path, query, deadline);
    } else {
      api.get(path, query, deadline);
    }
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

Finding check_health(Api& api, ApiVersion version, const Deadline& deadline) {
  try {
    api.get_open(version == ApiVersion::v1 ? "/health" : "/monitor/health", deadline);
  } catch (const Error& error) {
    return {"health", error.what(), false};
  }
  return {"health", "reached, without a login"};
}

}  // namespace

/// Airflow 2 does not tell a login that is refused from a right that is missing: a list that is
/// allowed does.
Findings check_deployment(Deployment& deployment, const Deadline& deadline) {
  auto& api = deployment.api;
  Findings findings{{"URL", deployment.url}};
  std::optional<Release> release;
  try {
    release = api.release(deadline);
  } catch (const Error& error) {
    findings.push_back({"version", error.what(), false});
    return findings;
  }
  findings.push_back({"version", release->number});
  findings.push_back({"API", release->api == ApiVersion::v1 ? "/api/v1" : "/api/v2"});
  findings.push_back(check_health(api, release->api, deadline));
  const auto login = findings.size();
  findings.push_back({"login", "accepted"});
  bool is_known = false;
  for (const auto& list : lists_of(release->api)) {
    const auto failure = ask(api, list, deadline);
    const std::string right(list.right);
    is_known = is_known || !failure || failure->reason() == Reason::auth;
    if (!failure) {
      findings.push_back({right, "allowed"});
    } else if (failure->reason() == Reason::auth) {
      findings.push_back(
          {right, "refused: the user's role lacks the right to read " + right, false});
    } else {
      findings.push_back({right, failure->what(), false});
    }
  }
  if (!is_known) findings[login] = {"login", "not known, as no list was answered", false};
  const auto refused = api.refused();
  if (!refused) return findings;
  findings.resize(login);
  findings.push_back({"login", refused->what(), false});
  return findings;
}

}  // namespace exporter::airflow
