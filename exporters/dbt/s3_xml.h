#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/dbt/artifact.h"

/// The XML documents of S3 (Amazon S3 API Reference).
namespace exporter::dbt {

struct S3Object {
  std::string key, tag;
  std::uint64_t size = 0;  ///< bytes
  Time modified_at;
};

/// One page of a ListObjectsV2.
struct S3Listing {
  std::vector<S3Object> objects;
  std::string next;  ///< the continuation token; empty on the last page
};

/// An object without key, size or time is left out and logged. Throws Error{decode} that begins
/// with the origin, also if no object of the first page can be read.
S3Listing read_s3_listing(std::string_view xml, const std::string& origin, bool is_first = true);

/// "AccessDenied: Access Denied" in an error document; empty for anything else.
std::string read_s3_error(std::string_view xml);

}  // namespace exporter::dbt
