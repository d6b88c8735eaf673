#include "exporters/dbt/s3.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "common/base/error.h"
#include "common/base/percent.h"
#include "common/base/text.h"
#include "common/http/refusal.h"
#include "exporters/dbt/s3_xml.h"

namespace exporter::dbt {
namespace {

constexpr std::string_view kGlob = "*?[\\";
constexpr std::size_t kMostPages = 100, kMostDirectories = 1000;

struct Bucket {
  std::shared_ptr<http::Client> client;
  std::string name;

  std::string address(const std::string& key) const { return "s3://" + name + '/' + key; }
};

http::ClientRequest request(std::string method, const std::string& key) {
  http::ClientRequest request;
  request.method = std::move(method);
  request.target = '/' + percent_encoded(key, "/");
  return request;
}

Error s3_refusal(const std::string& what, const http::ClientResponse& response) {
  return http::refusal(what, response, read_s3_error(response.body));
}

/// Requests the first byte of the object to get the reason of a rejection, because the reply to a
/// HEAD has no body.
http::ClientResponse ask_why(const Bucket& bucket, const std::string& key,
                             const Deadline& deadline) {
  auto get = request("GET", key);
  get.headers = {{"Range", "bytes=0-0"}};
  return bucket.client->send(std::move(get), deadline);
}

void read_object(const Bucket& bucket, const std::string& key, const http::Sink& sink,
                 const Deadline& deadline) {
  try {
    bucket.client->stream(request("GET", key), sink, deadline);
  } catch (const Error& error) {
    if (error.reason() != Reason::auth && error.reason() != Reason::http_status) throw;
    const auto response = ask_why(bucket, key, deadline);
    if (response.status < 300) throw;
    throw s3_refusal(bucket.address(key), response);
  }
}

Found found_at(const Bucket& bucket, const std::string& directory, Kind kind,
               const S3Object& object, const Deadline& deadline) {
  const auto read = [bucket, key = object.key, deadline](const auto& sink) {
    read_object(bucket, key, sink, deadline);
  };
  return {kind,
          bucket.address(directory),
          object.tag,
          object.size,
          object.modified_at,
          {bucket.address(object.key), read},
          [](const std::string&) { return true; }};
}

std::string key_in(const std::string& directory, Kind kind) {
  const auto file = std::string(to_string(kind)) + ".json";
  return directory.empty() ? file : directory + '/' + file;
}

std::optional<Kind> kind_of(std::string_view file) {
  for (const auto kind : kKinds) {
    if (file == std::string(to_string(kind)) + ".json") return kind;
  }
  return std::nullopt;
}

/// Nothing if there is no such object.
std::optional<S3Object> look_at(const Bucket& bucket, const std::string& key,
                                const Deadline& deadline) {
  const auto response = bucket.client->send(request("HEAD", key), deadline);
  if (response.status == 404) return std::nullopt;
  if (response.status != 200) {
    const auto why = ask_why(bucket, key, deadline);
    throw s3_refusal(bucket.address(key), why.status < 300 ? response : why);
  }
  const auto tag = response.headers.find("etag");
  const auto length = response.headers.find("content-length");
  if (tag == response.headers.end() || length == response.headers.end()) {
    throw Error(Reason::decode, bucket.address(key) + ": no ETag or length, so this is not S3");
  }
  return S3Object{key, tag->second, parse_number<std::uint64_t>(length->second).value_or(0), {}};
}

std::vector<Found> look_into(const Bucket& bucket, const std::string& directory,
                             const Deadline& deadline) {
  std::vector<Found> found;
  for (const auto kind : kKinds) {
    if (const auto object = look_at(bucket, key_in(directory, kind), deadline)) {
      found.push_back(found_at(bucket, directory, kind, *object, deadline));
    }
  }
  if (found.empty()) {  // or no such bucket
    const auto key = key_in(directory, Kind::manifest);
    const auto why = ask_why(bucket, key, deadline);
    if (why.status >= 300 && !read_s3_error(why.body).starts_with("NoSuchKey")) {
      throw s3_refusal(bucket.address(key), why);
    }
  }
  return found;
}

S3Listing list(const Bucket& bucket, const std::string& prefix, const std::string& token,
               const Deadline& deadline) {
  http::ClientRequest get;
  get.target = token.empty() ? "/?" : "/?continuation-token=" + percent_encoded(token) + '&';
  get.target += "list-type=2&prefix=" + percent_encoded(prefix);
  const auto response = bucket.client->send(std::move(get), deadline);
  if (response.status != 200) throw s3_refusal(bucket.address(prefix), response);
  return read_s3_listing(response.body, bucket.address(prefix), token.empty());
}

class Matches {
 public:
  Matches(const Bucket& bucket, const std::string& pattern, const Deadline& deadline)
      : bucket_(bucket), pattern_(pattern), deadline_(deadline) {}

  void take(const S3Object& object) {
    const auto slash = object.key.rfind('/');
    if (slash == object.key.npos) return;
    const auto kind = kind_of(std::string_view(object.key).substr(slash + 1));
    const auto directory = object.key.substr(0, slash);
    if (!kind || ::fnmatch(pattern_.c_str(), directory.c_str(), FNM_PATHNAME) != 0) return;
    if (directories_.insert(directory).second && directories_.size() > kMostDirectories) {
      throw Error(Reason::io, bucket_.address(pattern_) + ": more than 1000 directories");
    }
    found_.push_back(found_at(bucket_, directory, *kind, object, deadline_));
  }

  std::vector<Found> by_age() {
    std::ranges::stable_sort(found_, {}, &Found::modified_at);
    return std::move(found_);
  }

 private:
  const Bucket& bucket_;
  const std::string& pattern_;
  const Deadline& deadline_;
  std::set<std::string> directories_;
  std::vector<Found> found_;
};

std::vector<Found> look_for(const Bucket& bucket, const std::string& pattern,
                            const Deadline& deadline) {
  const auto prefix = pattern.substr(0, pattern.find_first_of(kGlob));
  Matches matches(bucket, pattern, deadline);
  std::string token;
  for (std::size_t pages = 0; pages < kMostPages; ++pages) {
    const auto listing = list(bucket, prefix, token, deadline);
    for (const auto& object : listing.objects) matches.take(object);
    if (listing.next.empty()) return matches.by_age();
    token = listing.next;
  }
  throw Error(Reason::io,
              bucket.address(prefix) + ": more than 100 pages of objects begin with it");
}

bool is_bucket_name(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 && std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                  c == '_';
         });
}

}  // namespace

std::optional<S3Place> parse_s3(std::string_view text) {
  constexpr std::string_view kScheme = "s3://";
  if (!text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  S3Place place;
  place.bucket = next_part(text, '/');
  while (text.ends_with('/')) text.remove_suffix(1);
  place.directory = text;
  if (!is_bucket_name(place.bucket)) return std::nullopt;
  return place;
}

std::string s3_url(const std::string& bucket, const std::string& region,
                   const std::string& endpoint) {
  if (!endpoint.empty()) return endpoint + (endpoint.ends_with('/') ? "" : "/") + bucket;
  const auto host = "s3." + region + ".amazonaws.com" + (region.starts_with("cn-") ? ".cn" : "");
  if (bucket.find('.') != bucket.npos) return "https://" + host + '/' + bucket;
  return "https://" + bucket + '.' + host;
}

Lister s3(std::shared_ptr<http::Client> client, const S3Place& place) {
  const Bucket bucket{std::move(client), place.bucket};
  const bool is_glob = place.directory.find_first_of(kGlob) != place.directory.npos;
  return {"s3://" + place.bucket + '/' + place.directory,
          [bucket, is_glob, directory = place.directory](const Deadline& deadline) {
            return is_glob ? look_for(bucket, directory, deadline)
                           : look_into(bucket, directory, deadline);
          }};
}

}  // namespace exporter::dbt
