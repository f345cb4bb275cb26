#ifndef UDSRPC_TOOLS_DYNAMIC_METHOD_H_
#define UDSRPC_TOOLS_DYNAMIC_METHOD_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "tools/exit_code.h"
#include "tools/schema.h"
#include "udsrpc/method.h"

namespace udsrpc::tools {

// A method that is called without generated code, with requests and responses as JSON. Thread-safe. Its schema must
// outlive it and its messages.
class DynamicMethod {
 public:
  // `name` is package.Service/Method, package.Service.Method or /package.Service/Method. What is nearly right is named
  // where there is none.
  static Outcome Find(Schema& schema, absl::string_view name, std::unique_ptr<DynamicMethod>* method);

  DynamicMethod(const DynamicMethod&) = delete;
  DynamicMethod& operator=(const DynamicMethod&) = delete;

  // "/package.Service/Method", and the kind. Valid as long as this is.
  MethodDescriptor descriptor() const { return {path_.c_str(), kind_}; }
  const std::string& path() const { return path_; }
  MethodKind kind() const { return kind_; }

  std::unique_ptr<google::protobuf::Message> NewRequest() const;
  std::unique_ptr<google::protobuf::Message> NewResponse() const;

  // In protobuf's JSON. A request that is none, or has a field that there is not, is the user's mistake.
  Outcome ParseRequest(absl::string_view json, google::protobuf::Message* request) const;

 private:
  DynamicMethod(Schema& schema, const google::protobuf::MethodDescriptor& method);

  Schema& schema_;
  const google::protobuf::MethodDescriptor& method_;
  const std::string path_;
  const MethodKind kind_;
};

// "{\"@type\": ...}" where the schema knows the type; else its name and the bytes as base64.
std::string AnyToJson(Schema& schema, absl::string_view type_url, const std::string& value);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_DYNAMIC_METHOD_H_
