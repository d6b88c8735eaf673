#include "exporters/snowflake/account_name.h"

#include <catch2/catch.hpp>

using namespace exporter::snowflake;

TEST_CASE("an account identifier gives the address and what a token claims") {
  struct Case {
    std::string identifier, host, claim;
  };
  const auto& [identifier, host, claim] = GENERATE(values<Case>({
      {"myorg-prod", "myorg-prod.snowflakecomputing.com", "MYORG-PROD"},
      {"MyOrg-Prod", "myorg-prod.snowflakecomputing.com", "MYORG-PROD"},
      {"myorg.prod", "myorg-prod.snowflakecomputing.com", "MYORG-PROD"},
      {"myorg-my_account", "myorg-my-account.snowflakecomputing.com", "MYORG-MY_ACCOUNT"},
      {"myorg-prod.privatelink", "myorg-prod.privatelink.snowflakecomputing.com", "MYORG-PROD"},
      {"xy12345", "xy12345.snowflakecomputing.com", "XY12345"},
      {"xy12345.us-east-2", "xy12345.us-east-2.snowflakecomputing.com", "XY12345"},
      {"xy12345.us-east-2.aws", "xy12345.us-east-2.aws.snowflakecomputing.com", "XY12345"},
      {"xy12345.west-europe.azure", "xy12345.west-europe.azure.snowflakecomputing.com", "XY12345"},
      {"xy12345.europe-west4.gcp", "xy12345.europe-west4.gcp.snowflakecomputing.com", "XY12345"},
      {"xy12345.fhplus.us-gov-west-1.aws",
       "xy12345.fhplus.us-gov-west-1.aws.snowflakecomputing.com", "XY12345"},
      {"xy12345.us-east-2.privatelink", "xy12345.us-east-2.privatelink.snowflakecomputing.com",
       "XY12345"},
      {"xy12345-9876.global", "xy12345-9876.global.snowflakecomputing.com", "XY12345"},
      {"xy12345.cn-northwest-1.aws", "xy12345.cn-northwest-1.aws.snowflakecomputing.cn", "XY12345"},
      {"https://myorg-prod.snowflakecomputing.com/", "myorg-prod.snowflakecomputing.com",
       "MYORG-PROD"},
      {" xy12345.us-east-2.snowflakecomputing.com ", "xy12345.us-east-2.snowflakecomputing.com",
       "XY12345"},
      {"myorg-prod.snowflakecomputing.cn", "myorg-prod.snowflakecomputing.cn", "MYORG-PROD"},
  }));
  CAPTURE(identifier);
  CHECK(account_name(identifier) == AccountName{host, claim});
}

TEST_CASE("what is no account identifier is refused") {
  const std::string text = GENERATE("", " ", ".", "a.", ".a", "a..b", "my org", "a/b", "a:b@c",
                                    "https://", "ünï", "\"myorg\"");
  CAPTURE(text);
  CHECK_FALSE(account_name(text));
  CHECK_FALSE(account_name(std::string(300, 'a')));
}
