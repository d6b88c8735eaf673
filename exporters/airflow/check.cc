#include <algorithm>

#include "common/base/error.h"
#include "common/base/text.h"
#include "exporters/airflow/dags.h"

namespace exporter::airflow {
namespace {

/// A list, with the permission that it needs.
struct List {
  std::string_view right, path;
  Query query = {};             ///< lets an index answer, however long the list is
  bool may_answer_500 = false;  ///< Airflow 2, if a pool has no limit
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

/// Why reading a list failed; nothing if it was allowed.
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

/// What to do if the version, which needs no login, cannot be detected.
std::string advice_on_version(const Error& error) {
  const std::string text = error.what();
  const auto has = [&](std::string_view part) { return text.find(part) != text.npos; };
  switch (error.reason()) {
    case Reason::auth:
      if (has("status 407")) {
        return text + ": the proxy needs a login: set proxy_username and proxy_password";
      }
      return text + ": refused before Airflow, which needs no login here: a proxy may need headers";
    case Reason::decode:
    case Reason::http_status:
      if (has("text/html") || has("redirected to")) {
        return text +
               ": a login page before Airflow may need headers; otherwise url is not base_url of "
               "Airflow's web server, with its path";
      }
      return text + ": url must be base_url of Airflow's web server, with its path";
    default: return text;
  }
}

Finding check_health(Api& api, ApiVersion version, const Deadline& deadline) {
  try {
    api.get_open(version == ApiVersion::v1 ? "/health" : "/monitor/health", deadline);
  } catch (const Error& error) {
    return {"health", error.what(), false};
  }
  return {"health", "reached, without a login"};
}

/// Whether each list may be read.
Findings check_lists(Api& api, ApiVersion version, bool& is_login_known, const Deadline& deadline) {
  Findings findings;
  for (const auto& list : lists_of(version)) {
    const auto failure = ask(api, list, deadline);
    const std::string right(list.right);
    is_login_known = is_login_known || !failure || failure->reason() == Reason::auth;
    if (!failure) {
      findings.push_back({right, "allowed"});
    } else if (failure->reason() == Reason::auth) {
      findings.push_back({right, "refused: the user's role may not read " + right, false});
    } else {
      findings.push_back({right, failure->what(), false});
    }
  }
  return findings;
}

/// Why no list can be read, if all have the same cause, the login.
std::optional<std::string> failure_of_login(const Api& api, bool is_login_known,
                                            const Findings& lists) {
  if (const auto refused = api.refused()) return refused->what();
  const auto& text = lists.front().text;
  const bool is_one =
      std::ranges::all_of(lists, [&](const auto& list) { return list.text == text; });
  if (is_login_known || !is_one) return std::nullopt;
  return text;
}

/// Whether each deadline is of a DAG: one of none is never missed.
Finding check_deadlines(Deployment& deployment, const Deadline& deadline) {
  const std::string what = "deadlines";
  try {
    Samples samples;
    read_dags(deployment, samples, deadline);
  } catch (const Error& error) {
    return {what, error.what(), false};
  }
  const auto unmatched = deployment.requirements.unmatched(deployment.selection.view());
  if (unmatched.empty()) return {what, "each matches a DAG"};
  return {what, "warning: no DAG, or only an excluded one, matches " + joined(unmatched, ", "),
          true, true};
}

}  // namespace

/// Airflow 2 does not distinguish a rejected login from a missing permission, except that a list
/// can then be read.
Findings check_deployment(Deployment& deployment, std::span<const std::string_view>,
                          const Deadline& deadline) {
  auto& api = deployment.api;
  Findings findings{{"URL", deployment.url}};
  std::optional<Release> release;
  try {
    release = api.release(deadline);
  } catch (const Error& error) {
    findings.push_back({"version", advice_on_version(error), false});
    return findings;
  }
  findings.push_back({"version", release->number});
  findings.push_back({"API", release->api == ApiVersion::v1 ? "/api/v1" : "/api/v2"});
  findings.push_back(check_health(api, release->api, deadline));
  bool is_login_known = false;
  const auto lists = check_lists(api, release->api, is_login_known, deadline);
  if (const auto failure = failure_of_login(api, is_login_known, lists)) {
    findings.push_back({"login", *failure, false});
    return findings;
  }
  findings.push_back({"login",
                      is_login_known ? "accepted" : "not known, because no list could be read",
                      is_login_known});
  findings.insert(findings.end(), lists.begin(), lists.end());
  if (!deployment.requirements.empty() && lists.front().is_good) {
    findings.push_back(check_deadlines(deployment, deadline));
  }
  return findings;
}

}  // namespace exporter::airflow
