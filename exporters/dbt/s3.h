#pragma once

#include <memory>
#include <string>

#include "common/http/client.h"
#include "exporters/dbt/lister.h"

namespace exporter::dbt {

/// What "s3://bucket/folder" names. The folder may be a glob ("jobs/*/target"; `*`, `?` and `[...]`
/// match no slash).
struct S3Place {
  std::string bucket, folder;
};

/// Nothing when the text is no such address.
std::optional<S3Place> parse_s3(std::string_view text);

/// The URL of a bucket: at AWS, as a host of its own unless its name has a dot, which no
/// certificate fits; at another endpoint, as the first part of the path.
std::string s3_url(const std::string& bucket, const std::string& region,
                   const std::string& endpoint);

/// The target folders there. A plain folder costs four HEADs a look, which is a third of what AWS
/// takes for a listing, however much else the folder holds; a glob costs a listing of each thousand
/// objects below its plain beginning, of which there may be 100,000. The client has the bucket's
/// URL and signs.
Lister s3(std::shared_ptr<http::Client> client, const S3Place& place);

}  // namespace exporter::dbt
