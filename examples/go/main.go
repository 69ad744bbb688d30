// Command example makes a pool and an agent, spends from it, and is denied.
//
//	go run . -token-file ../../safeguards-data/admin.token
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	safeguards "safeguards.example/gen/safeguards/v1"
)

func main() {
	log.SetFlags(0)
	address := flag.String("address", "127.0.0.1:7450", "host:port or unix:///path")
	adminAddress := flag.String("admin-address", "127.0.0.1:7451", "host:port")
	tokenFile := flag.String("token-file", "safeguards-data/admin.token", "of the operators' listener")
	flag.Parse()

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	token, err := os.ReadFile(*tokenFile)
	check(err)
	operator := metadata.AppendToOutgoingContext(ctx,
		"authorization", "Bearer "+strings.TrimSpace(string(token)))

	admin := safeguards.NewBudgetAdminServiceClient(dial(*adminAddress))
	agents := safeguards.NewBudgetServiceClient(dial(*address))

	priority := int32(9)
	pool, err := admin.CreatePool(operator, &safeguards.CreatePoolRequest{
		Name: "critical_services", InitialBudget: "1000.0", Priority: &priority,
	})
	check(err)
	fmt.Printf("pool %s: %s %s\n", pool.Pool.Name, pool.Pool.Funded, pool.Pool.Unit)

	made, err := admin.CreateAgent(operator, &safeguards.CreateAgentRequest{
		Name: "go_agent", PoolId: pool.Pool.Id, InitialBudget: "10",
	})
	check(err)
	fmt.Printf("agent %s: %s available\n", made.Agent.Name, made.Budget.Available)

	for at, amount := range []string{"2.50", "8"} {
		answer, err := agents.Spend(ctx, &safeguards.SpendRequest{
			RequestId: fmt.Sprintf("spend-%d", at), AgentId: made.Agent.Id, Amount: amount,
		})
		check(err)
		fmt.Printf("spend %s: %s, %s available\n", amount, answer.Decision, answer.Budget.Available)
		// A denial is an answer: the error is nil.
		if denial := answer.Denial; denial != nil {
			fmt.Printf("  %s, short of %s, at most %s\n",
				denial.Reason, denial.Shortfall, denial.LargestAmount)
		}
	}

	_, err = agents.GetBudget(ctx, &safeguards.GetBudgetRequest{AgentId: "nobody"})
	fmt.Printf("unknown agent: %s %s\n", status.Code(err), reasonOf(err))
	_, err = admin.ListPools(ctx, &safeguards.ListPoolsRequest{})
	fmt.Printf("no token: %s %s\n", status.Code(err), reasonOf(err))
}

func dial(address string) *grpc.ClientConn {
	connection, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	return connection
}

// reasonOf returns the reason that the sidecar gives with every error.
func reasonOf(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.Reason
		}
	}
	return ""
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
