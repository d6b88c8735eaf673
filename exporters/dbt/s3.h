#pragma once

#include <memory>
#include <string>

#include "common/http/client.h"
#include "exporters/dbt/lister.h"

namespace exporter::dbt {

/// The parts of "s3://bucket/directory". The directory may be a glob ("jobs/*/target"; `*`, `?` and
/// `[...]` do not match a slash).
struct S3Place {
  std::string bucket, directory;
};

/// Nothing if the text is not such an address.
std::optional<S3Place> parse_s3(std::string_view text);

/// The URL of a bucket: at AWS the bucket is part of the host name, unless it contains a dot, which
/// certificates do not match; at another endpoint it is the first part of the path.
std::string s3_url(const std::string& bucket, const std::string& region,
                   const std::string& endpoint);

/// The target directories in a bucket. A plain directory costs four HEADs per update, a third of
/// AWS's price for one listing, however much else it contains. A glob costs one listing per
/// thousand objects below its plain prefix, of which there may be 100,000. The client signs, and
/// its URL is the bucket's.
Lister s3(std::shared_ptr<http::Client> client, const S3Place& place);

}  // namespace exporter::dbt
