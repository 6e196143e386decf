report test:
	python3 run.py $@
