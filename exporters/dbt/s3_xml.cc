#include "exporters/dbt/s3_xml.h"

#include <optional>
#include <pugixml.hpp>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/time.h"

namespace exporter::dbt {
namespace {

S3Object read_object(const pugi::xml_node& contents, const std::string& origin) {
  S3Object object;
  object.key = contents.child_value("Key");
  object.tag = contents.child_value("ETag");
  const auto size = parse_number<std::uint64_t>(contents.child_value("Size"));
  const auto time = parse_rfc3339(contents.child_value("LastModified"));
  if (object.key.empty() || !size || !time) {
    throw Error(Reason::decode, origin + ": an object without key, size or time");
  }
  object.size = *size;
  object.modified_at = *time;
  return object;
}

void read_objects(const pugi::xml_node& root, const std::string& origin, bool is_first,
                  std::vector<S3Object>& objects) {
  std::optional<Error> first;
  for (const auto& contents : root.children("Contents")) {
    try {
      objects.push_back(read_object(contents, origin));
    } catch (const Error& error) {
      if (!first) first = error;
    }
  }
  if (!first) return;
  if (is_first && objects.empty()) throw Error(*first);
  log::warn("malformed objects of a listing left out", {{"first", first->what()}});
}

}  // namespace

S3Listing read_s3_listing(std::string_view xml, const std::string& origin, bool is_first) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(xml.data(), xml.size());
  const auto root = document.child("ListBucketResult");
  if (!parsed || !root) throw Error(Reason::decode, origin + ": not the XML of a listing");
  S3Listing listing;
  read_objects(root, origin, is_first, listing.objects);
  if (std::string_view(root.child_value("IsTruncated")) == "true") {
    listing.next = root.child_value("NextContinuationToken");
    if (listing.next.empty()) {
      throw Error(Reason::decode, origin + ": a listing that is continued without a token");
    }
  }
  return listing;
}

std::string read_s3_error(std::string_view xml) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) return {};
  const auto error = document.child("Error");
  const std::string code = error.child_value("Code"), message = error.child_value("Message");
  return code.empty() || message.empty() ? code + message : code + ": " + message;
}

}  // namespace exporter::dbt
