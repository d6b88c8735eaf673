#include "common/base/text.h"
#include "common/http/refusal.h"
#include "exporters/dbt/lister.h"

namespace exporter::dbt {
namespace {

std::string header(const http::ClientResponse& response, std::string_view name) {
  const auto found = response.headers.find(name);
  return found == response.headers.end() ? std::string() : found->second;
}

http::ClientRequest request(std::string method, const std::string& target) {
  http::ClientRequest request;
  request.method = std::move(method);
  request.target = target;
  return request;
}

/// Identifies the content: the ETag, or else time and length; empty without these.
std::string version_of(const http::ClientResponse& response) {
  if (auto tag = header(response, "etag"); !tag.empty()) return tag;
  const auto time = header(response, "last-modified");
  return time.empty() ? time : time + ' ' + header(response, "content-length");
}

}  // namespace

Lister address(std::shared_ptr<http::Client> client, const std::string& label) {
  auto list = [client = std::move(client), label,
               looks = std::size_t{0}](const Deadline& deadline) mutable {
    ++looks;
    std::vector<Found> found;
    for (const auto kind : kKinds) {
      const auto file = '/' + std::string(to_string(kind)) + ".json";
      const auto response = client->send(request("HEAD", file), deadline);
      if (response.status == 404) continue;
      if (response.status != 200) throw http::refusal("HEAD " + label + file, response);
      auto version = version_of(response);
      if (version.empty()) version = "looked at " + std::to_string(++looks);
      const auto size = parse_number<std::uint64_t>(header(response, "content-length"));
      const auto read = [client, file, deadline](const auto& sink) {
        client->stream(request("GET", file), sink, deadline);
      };
      found.push_back({kind,
                       label,
                       version,
                       size.value_or(0),
                       {},
                       {label + file, read},
                       [](const std::string&) { return true; }});
    }
    return found;
  };
  return {label, std::move(list)};
}

}  // namespace exporter::dbt
