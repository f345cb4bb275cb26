// A client of stock gRPC, without anything of udsrpc: greeter_stock_client ENDPOINT [CALLS]. What it needs from a
// udsrpc server is what every gRPC server has.

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <vector>

#include "greeter.grpc.pb.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "greeter_stock_client: give an endpoint, such as unix:/run/greeter.sock\n";
    return 1;
  }
  const auto stub = helloworld::Greeter::NewStub(grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials()));
  helloworld::HelloRequest request;
  helloworld::HelloReply reply;
  request.set_name("world");
  std::vector<double> microseconds;
  for (int i = 0; i < std::max(1, argc > 2 ? std::atoi(argv[2]) : 1); ++i) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
    const auto start = std::chrono::steady_clock::now();
    const grpc::Status status = stub->SayHello(&context, request, &reply);
    microseconds.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
    if (!status.ok()) {
      std::cerr << "greeter_stock_client: " << status.error_message() << "\n";
      return 1;
    }
  }
  const auto median = microseconds.begin() + static_cast<std::ptrdiff_t>(microseconds.size() / 2);
  std::nth_element(microseconds.begin(), median, microseconds.end());
  std::printf("%s  median %5.1f us of %zu calls\n", reply.message().c_str(), *median, microseconds.size());
  return 0;
}
