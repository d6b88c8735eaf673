#include "exporters/dbt/projects.h"

#include <set>

#include "common/base/error.h"
#include "common/config/yaml.h"
#include "common/http/authorize.h"

namespace exporter::dbt {
namespace {

constexpr Flag kTarget{"target.path", "./target",
                       "The folder that dbt writes its artifacts to, or a glob of several; the "
                       "configuration file names those of several projects instead."};
constexpr Flag kProject{"target.project", "dbt", "The label `project` of what is found there."};
constexpr Flag kFlags[] = {kTarget, kProject};

std::string optional_text(const Yaml& yaml, std::string_view key) {
  const auto value = yaml.optional(key);
  return value ? value->string() : std::string();
}

http::Authorize read_authorize(const Yaml& project) {
  auto token = project.optional_secret("bearer_token");
  const auto user = project.optional("username");
  if (token && user) user->fail("bearer_token is given too: they exclude each other");
  if (token) return http::with_token("Bearer", std::move(*token));
  if (user) return http::with_password(user->string(), project.secret("password"));
  return {};
}

Source read_address(const Yaml& project, const std::string& name, http::UpstreamMetrics& metrics) {
  const auto url = project.required("url");
  http::ClientOptions options;
  options.name = name;
  options.base_url = url.string();
  options.proxy = optional_text(project, "proxy");
  options.ca_file = optional_text(project, "ca_file");
  auto authorize = read_authorize(project);
  try {
    return address(std::make_shared<http::Client>(options, std::move(authorize), metrics),
                   options.base_url);
  } catch (const Error& error) {
    project.fail(error.what());
  }
}

Place read_place(const Yaml& project, http::UpstreamMetrics& metrics) {
  const auto name = project.required("name").string();
  const auto target = project.optional("target");
  if (target && project.optional("url")) target->fail("url is given too: they exclude each other");
  if (target) return {name, folders(target->string())};
  return {name, read_address(project, name, metrics)};
}

}  // namespace

std::span<const Flag> project_flags() { return kFlags; }

std::vector<Place> read_projects(const App::Inputs& inputs) {
  const auto& settings = inputs.settings;
  const auto projects = inputs.file != nullptr ? inputs.file->optional("projects") : std::nullopt;
  std::vector<Place> places;
  if (!projects) {
    places.push_back({settings.text(kProject.name), folders(settings.text(kTarget.name))});
    return places;
  }
  for (const auto& flag : kFlags) {
    if (!settings.is_default(flag.name)) settings.fail(flag.name, "the file names the projects");
  }
  std::set<std::string> names;
  for (const auto& project : projects->items()) {
    places.push_back(read_place(project, inputs.upstreams));
    if (!names.insert(places.back().project).second) project.fail("another one has this name");
  }
  if (places.empty()) projects->fail("expected a project");
  return places;
}

}  // namespace exporter::dbt
